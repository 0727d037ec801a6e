// Builds elements from data. Text is set as text and attributes as attributes: nothing from the server is
// ever parsed as HTML.

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
 * The text in place of figures: there are none yet, they are being read, or they cannot be read. An unknown
 * state is never shown as an empty one.
 */
export function absent(s, has, text) {
  return h("p", {class: "empty"}, s.trouble && !has ? "Cannot be read at the moment." :
    !s.now ? "Waiting for figures." : has ? text : "Loading.");
}

/** Sets the element's text only when it changes, so that screen readers do not read it twice. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * A table with a caption for screen readers. columns: [{name, number, title}], rows: [[cell, ...]], a cell
 * being a text or an element; the first cell is the row's heading.
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

/** A chart's figures as a table, built when it is opened; refresh() rebuilds it with new figures. */
export function tableOnDemand(summary, build) {
  const details = h("details", {class: "data"}, h("summary", {}, summary));
  let region = null;
  details.refresh = () => {
    if (!details.open) return;
    const fresh = build();
    // Only the contents change, so that scroll position and focus stay.
    if (region) region.replaceChildren(...fresh.children);
    else details.append(region = fresh);
  };
  details.addEventListener("toggle", details.refresh);
  return details;
}

/** Rebuilds a part and keeps the focus inside it. */
export function rebuild(box, build) {
  const stops = () => [...box.querySelectorAll("summary, a, button, input, [tabindex]")];
  const at = stops().indexOf(document.activeElement);
  build();
  if (at >= 0) (stops()[at] || box).focus({preventScroll: true});
}

/** Fills a <select>. options: [[value, label]]. Hidden when there is nothing to choose. */
export function choice(select, options, chosen, change) {
  const same = [...select.options].map((o) => o.value).join("\n");
  if (same !== options.map(([value]) => value).join("\n"))
    select.replaceChildren(...options.map(([value, label]) => h("option", {value}, label)));
  select.value = chosen;
  select.onchange = () => change(select.value);
  select.hidden = options.length < 2;
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
