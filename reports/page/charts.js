"use strict";
// Draws each chart when it comes into view, in the colours of the style sheet, and again when those change.
addEventListener("DOMContentLoaded", () => {
  const data = window.report;
  const drawn = new Map();

  function config() {
    const style = getComputedStyle(document.documentElement);
    const color = (name) => style.getPropertyValue(`--${name}`).trim();
    const variants = Array.from({ length: 8 }, (_, place) => color(`variant-${place}`));
    const font = getComputedStyle(document.body).fontFamily;
    const text = (name, more) => ({ color: color(name), font, fontSize: 12, ...more });
    return {
      background: null,
      font,
      view: { stroke: null },
      axis: {
        labelColor: color("muted"), titleColor: color("muted"), titleFontWeight: 400, labelFontSize: 11, titleFontSize: 11,
        gridColor: color("line"), domain: false, ticks: false, labelPadding: 6, titlePadding: 8, labelLimit: 150,
      },
      range: {
        category: variants,
        diverging: [color("heat-slower"), color("heat-even"), color("heat-faster")],
        ordinal: [color("worse"), color("better")],
      },
      style: {
        cell: { stroke: color("card"), strokeWidth: 2, cornerRadius: 4 },
        plain: text("heat-ink"), "plain, unsure": text("heat-ink", { fontStyle: "italic" }),
        deep: text("heat-deep"), "deep, unsure": text("heat-deep", { fontStyle: "italic" }),
        curve: { strokeWidth: 2 },
        spread: { strokeWidth: 1.5, opacity: 0.55 },
        measured: { filled: true, size: 46, opacity: 1 },
        crossing: { filled: false, size: 130, color: color("ink"), strokeWidth: 1.5 },
        trace: { color: color("muted"), strokeWidth: 1, opacity: 0.35 },
        sample: { filled: true, color: color("muted"), opacity: 0.75 },
        level: { color: color("ink"), strokeWidth: 2.5 },
        suspects: { opacity: 0.14 },
        change: { strokeWidth: 1.5, strokeDash: [3, 3] },
        label: { font, fontSize: 11, fontWeight: 600 },
      },
    };
  }

  async function draw(place, chart) {
    drawn.set(place, chart);
    const spec = { ...structuredClone(data.specifications[chart.kind]), datasets: structuredClone(chart.datasets) };
    if (chart.height) spec.height = chart.height;
    const settings = config();
    settings.style.sample.size = Math.max(14, Math.min(50, 4000 / (chart.datasets.points?.length || 1)));
    const options = { config: settings, renderer: "svg", actions: false, defaultStyle: false, ast: true, tooltip: { disableDefaultStyle: true } };
    await window.vegaEmbed(place, spec, options);
    if (!performance.getEntriesByName("chart").length) performance.mark("chart");
  }

  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      target === place ? choose(select.value) : draw(target, data.charts[target.dataset.chart]);
    }
  }, { rootMargin: "300px" });
  document.querySelectorAll("[data-chart]").forEach((target) => seen.observe(target));

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const [target, chart] of drawn) draw(target, chart);
  });

  document.querySelectorAll("input[name=block]").forEach((input) => {
    const follow = () => {
      if (input.checked) document.querySelectorAll(".block").forEach((block) => { block.hidden = block.id !== `block-${input.value}`; });
    };
    input.addEventListener("change", follow);
    follow(); // a browser may remember the choice when the page is loaded again
  });

  const place = document.getElementById("history-chart");
  const select = document.getElementById("series");
  if (!place) return;

  const { dates, commits, series } = data.history;
  const at = (run) => (dates ? dates[run] : run);
  const day = (run) => (dates ? new Date(dates[run]).toISOString().slice(0, 10) : "");
  const number = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });

  // The largest changes are labelled, as far as labels do not cover each other.
  function withRoom(changes, whole) {
    const size = (change) => Math.abs(Math.log(parseFloat(change.ratio)));
    const kept = [];
    for (const change of [...changes].sort((one, other) => size(other) - size(one))) {
      if (kept.every((other) => Math.abs(at(other.at) - at(change.at)) > whole / 20)) kept.push(change);
    }
    return new Set(kept);
  }

  function datasets({ unit, values, at: runs, changes = [], levels = [] }) {
    const points = values.map((value, place) => {
      const run = runs ? runs[place] : place;
      return { at: at(run), run, value, told: value === null ? "" : `${number.format(value)} ${unit}`, commit: commits[run], date: day(run) };
    }).filter((point) => point.value !== null);
    const labelled = withRoom(changes, at(points.at(-1)?.run ?? 0) - at(points[0]?.run ?? 0));
    return {
      points,
      levels: levels.map(([first, last, value]) => ({ at: at(first), until: at(last), value })),
      changes: changes.map((change) => ({
        at: at(change.at), kind: change.kind, change: change.ratio, commit: commits[change.at], label: labelled.has(change) ? change.ratio : "",
      })),
      suspects: changes.map((change) => ({ at: at(change.since), until: at(change.at), kind: change.kind })),
    };
  }

  function choose(chosen) {
    const one = series[chosen];
    select.value = chosen;
    const last = one.changes?.at(-1);
    document.getElementById("history-caption").textContent = data.labels[chosen] + (one.unit ? `, in ${one.unit}` : "");
    place.setAttribute("aria-label", `${data.labels[chosen]} over ${one.values.length} commits` + (last ? `; last change ${last.ratio} at ${commits[last.at]}` : "; no change found"));
    return draw(place, { kind: one.changes ? "history, changed" : "history", datasets: datasets(one) });
  }

  const changed = Object.keys(series).filter((number) => series[number].changes);
  const steady = Object.keys(series).filter((number) => !series[number].changes);
  for (const [title, numbers] of [["Changed", changed], ["No change found", steady]]) {
    if (!numbers.length) continue;
    const group = document.createElement("optgroup");
    group.label = title;
    group.append(...numbers.map((number) => new Option(data.labels[number], number)));
    select.append(group);
  }
  select.addEventListener("change", () => choose(select.value));
  document.addEventListener("click", ({ target }) => {
    const chosen = target instanceof Element && target.closest("[data-case]")?.dataset.case;
    if (!chosen || !series[chosen]) return;
    choose(chosen);
    document.getElementById("history").scrollIntoView();
    select.focus({ preventScroll: true });
  });
  const first = document.querySelector("#changes [data-case]")?.dataset.case;
  select.value = first && series[first] ? first : select.options[0]?.value;
  if (select.value) seen.observe(place);
});
