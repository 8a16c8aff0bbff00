"use strict";
// The table of every case: it filters while one types, sorts by its headers, and shows rows by the hundred.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  window.report = data;
  const { columns, rows } = data.table;
  const history = (data.history || { series: {} }).series;
  const table = document.getElementById("table");
  const body = table.querySelector("tbody");
  const more = document.getElementById("more");
  const PAGE = 50;
  let matching = rows.map((_, number) => number);
  let visible = 0;

  const text = (cell) => (cell === null ? "" : Array.isArray(cell) ? cell[1] : cell);
  let haystacks = null;

  function element(name, content, className) {
    const made = document.createElement(name);
    if (content !== undefined) made.textContent = content;
    if (className) made.className = className;
    return made;
  }

  // Lines may end behind the signs that join words in the names of benchmarks.
  function breakable(content) {
    return content.split(/(?<=[._:/(,])/).flatMap((part, place) => (place ? [element("wbr"), part] : [part]));
  }

  function drawn(number) {
    const line = element("tr");
    rows[number].forEach((cell, place) => {
      const made = element(place ? "td" : "th", place ? text(cell) : undefined, columns[place].numeric ? "number" : "");
      if (!place) made.append(...breakable(text(cell)));
      if (!place) made.scope = "row";
      line.append(made);
    });
    if (data.history) {
      const last = element("td");
      if (history[number]) {
        const button = element("button", "History", "quiet");
        button.type = "button";
        button.dataset.case = number;
        last.append(button);
      }
      line.append(last);
    }
    return line;
  }

  function show(until) {
    if (!visible) body.replaceChildren();
    body.append(...matching.slice(visible, until).map(drawn));
    visible = Math.min(until, matching.length);
    more.hidden = visible >= matching.length;
    more.textContent = `Show ${Math.min(PAGE, matching.length - visible)} more`;
  }

  function start() {
    visible = 0;
    show(PAGE);
    const many = (number) => number.toLocaleString("en");
    document.getElementById("matches").textContent = `${many(matching.length)} of ${many(rows.length)} cases`;
  }

  // Missing cells come last, whichever way the others are sorted.
  function sort(place, falling) {
    const key = (number) => {
      const cell = rows[number][place];
      return Array.isArray(cell) ? cell[0] : cell;
    };
    const names = new Intl.Collator("en", { numeric: true });
    const compare = (one, other) =>
      typeof one === "number" && typeof other === "number" ? one - other : names.compare(one, other);
    matching.sort((one, other) => {
      const [first, second] = [key(one), key(other)];
      if (first === null || second === null) return (first === null) - (second === null) || one - other;
      return (falling ? -1 : 1) * compare(first, second) || one - other;
    });
  }

  let order = null;

  function filter(words) {
    haystacks ??= rows.map((row) => row.map(text).join(" ").toLowerCase());
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    matching = rows.map((_, number) => number).filter((number) => wanted.every((word) => haystacks[number].includes(word)));
    if (order) sort(...order);
    start();
  }

  const head = element("tr");
  columns.forEach((column, place) => {
    const cell = element("th", undefined, column.numeric ? "number" : "");
    cell.scope = "col";
    const button = element("button", column.title);
    button.type = "button";
    button.addEventListener("click", () => {
      const falling = cell.getAttribute("aria-sort") === "ascending";
      head.querySelectorAll("[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
      cell.setAttribute("aria-sort", falling ? "descending" : "ascending");
      order = [place, falling];
      sort(...order);
      start();
    });
    cell.append(button);
    head.append(cell);
  });
  if (data.history) head.append(element("th", "", ""));
  table.querySelector("thead").append(head);
  const input = document.getElementById("filter");
  input.addEventListener("input", () => filter(input.value));
  more.addEventListener("click", () => {
    const first = visible;
    show(visible + PAGE);
    body.rows[first].querySelector("button")?.focus();
  });
  filter(input.value);
  performance.mark("table");
})();
