// The server's API: answers as objects, failures as exceptions, and server-sent events.

export class Unavailable extends Error {
  /** reached: the server answered, but has no answer (Redis is away). */
  constructor(text, reached) {
    super(text);
    this.reached = reached;
  }
}

const TIMEOUT_MS = 10000;

/** Relative to the page. fetch refuses an address with a user and password, so it is made from location.href. */
const address = (path) => new URL(`api/v1/${path}`, location.href);

/** GET api/v1/<path>. Throws Unavailable; null for 404. */
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
    throw new Unavailable(`the answer (${answer.status}) is not valid JSON`, true);
  }
  if (!answer.ok) throw new Unavailable(body.error || `status ${answer.status}`, true);
  return body;
}

/**
 * Calls news() when the server reports a change, and live(true or false) when the stream of events opens
 * or closes. The browser reconnects automatically, unless the server refused.
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
