// The server: answers as objects, failures in words, and news as they come.

export class Unavailable extends Error {
  /** reached: the server answered, but has no answer (Redis is away). */
  constructor(text, reached) {
    super(text);
    this.reached = reached;
  }
}

const TIMEOUT_MS = 10000;

/** Beside the page; a name and a password in the page's own address would be refused in this one. */
const address = (path) => new URL(`api/v1/${path}`, location.href);

/** GET api/v1/<path>. Throws Unavailable; null when there is no such thing (yet). */
export async function get(path) {
  let answer;
  try {
    answer = await fetch(address(path), {
      cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS), headers: {Accept: "application/json"},
    });
  } catch {
    throw new Unavailable("leeway does not answer", false);
  }
  if (answer.status === 404) return null;
  let body;
  try {
    body = await answer.json();
  } catch {
    throw new Unavailable(`an answer (${answer.status}) that is no JSON`, true);
  }
  if (!answer.ok) throw new Unavailable(body.error || `status ${answer.status}`, true);
  return body;
}

/**
 * Calls news() when the server says that something has changed, and live(true or false) as the
 * stream of news comes and goes. The browser connects again by itself, unless the server refused.
 */
export function listen(news, live) {
  if (!window.EventSource) return;
  const RETRY_MS = 15000;
  const open = () => {
    const source = new EventSource(address("events"));
    source.addEventListener("open", () => live(true));
    source.addEventListener("now", news);
    source.addEventListener("error", () => {
      live(false);
      if (source.readyState === EventSource.CLOSED) setTimeout(open, RETRY_MS);
    });
  };
  open();
}
