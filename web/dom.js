// Elements from data. Text goes in as text and attributes as attributes: nothing that the server says
// is ever parsed as HTML.

/** h("td", {class: "number", onclick: f}, "text", element, ...): null and false children are left out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  put(element, ...children);
  return element;
}

export function put(element, ...children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
  return element;
}

export function replace(element, ...children) {
  element.replaceChildren();
  return put(element, ...children);
}

export const byId = (id) => document.getElementById(id);
export const bodyOf = (id) => document.querySelector(`#${CSS.escape(id)} .body`);

/**
 * What stands in place of figures: there are none yet, they are on their way, or they cannot be had. A state
 * that is not known is never said to be empty.
 */
export function absent(s, has, text) {
  return h("p", {class: "empty"}, s.trouble && !has ? "Cannot be read at the moment." :
    !s.now ? "Waiting for figures." : has ? text : "Reading.");
}

/** Says something in the element only when it has changed, so that screen readers are not told twice. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * A table with a caption for screen readers. columns: [{name, number, title}], rows: [[cell, ...]], a cell
 * being text or an element; the first one is the row's heading.
 */
export function table(caption, columns, rows, attributes = {}) {
  return h("div", {class: "scroll", tabindex: 0, role: "region", "aria-label": caption},
    h("table", attributes,
      h("caption", {class: "hidden"}, caption),
      h("thead", {}, h("tr", {}, columns.map((c) =>
        h("th", {scope: "col", class: c.number && "number", title: c.title}, c.name)))),
      h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell, i) =>
        h(i ? "td" : "th", {scope: i ? null : "row", class: columns[i].number && "number"}, cell)))))));
}

/** The same picture as numbers, built when somebody opens it. `refresh()` of it: the figures have changed. */
export function tableOnDemand(summary, build) {
  const details = h("details", {class: "data"}, h("summary", {}, summary));
  let region = null;
  details.refresh = () => {
    if (!details.open) return;
    const fresh = build();
    // Whoever has scrolled or tabbed into the table stays there: only what is in it changes.
    if (region) region.replaceChildren(...fresh.children);
    else details.append(region = fresh);
  };
  details.addEventListener("toggle", details.refresh);
  return details;
}

/** Builds a part anew; the focus stays where it was, if it was in there. */
export function rebuild(box, build) {
  const stops = () => [...box.querySelectorAll("summary, a, button, input, [tabindex]")];
  const at = stops().indexOf(document.activeElement);
  build();
  if (at >= 0) (stops()[at] || box).focus({preventScroll: true});
}

/** Radio buttons that look like one control. options: [[value, label]]. Keeps its legend. */
export function segments(fieldset, name, options, chosen, change) {
  const same = [...fieldset.querySelectorAll("input")].map((i) => i.value).join("\n");
  if (same !== options.map(([value]) => value).join("\n")) {
    fieldset.replaceChildren(fieldset.querySelector("legend"));
    for (const [value, label] of options)
      fieldset.append(h("label", {},
        h("input", {type: "radio", name, value, onchange: () => change(value)}), h("span", {}, label)));
  }
  for (const input of fieldset.querySelectorAll("input")) input.checked = input.value === chosen;
  fieldset.hidden = options.length < 2;
}
