// The claims page: a filter above the table, and columns that sort. No network, no library.
(function () {
  "use strict";
  const ORDER = ["discrepant", "under-specified", "blocked", "reproduced", "not run"];
  const box = document.currentScript.previousElementSibling;
  const table = box.querySelector("table");
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const values = (name) => [...new Set(rows.map((row) => row.dataset[name]))];

  function element(name, attributes, text) {
    const made = document.createElement(name);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    if (text) made.textContent = text;
    return made;
  }

  function labelled(text, control) {
    const label = element("label", {}, text + " ");
    label.append(control);
    return label;
  }

  function choice(names, all) {
    const select = element("select", {});
    select.append(element("option", { value: "" }, all));
    for (const name of names) select.append(element("option", { value: name }, name));
    return select;
  }

  const words = element("input", { type: "search", placeholder: "id, words, theorem" });
  const paper = choice(values("paper"), "all papers");
  const verdict = choice(ORDER.filter((name) => values("verdict").includes(name)), "all verdicts");
  const count = element("output", { "aria-live": "polite" });
  const form = element("form", { class: "claims-filter", role: "search", "aria-label": "Claims" });
  form.append(labelled("Find", words), labelled("Paper", paper), labelled("Verdict", verdict), count);
  form.addEventListener("submit", (event) => event.preventDefault());
  box.prepend(form);

  function filter() {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden =
        (paper.value && row.dataset.paper !== paper.value) ||
        (verdict.value && row.dataset.verdict !== verdict.value) ||
        !wanted.every((word) => text.includes(word));
      shown += !row.hidden;
    }
    count.textContent = shown + " of " + rows.length + " claims";
  }
  for (const control of [words, paper, verdict]) control.addEventListener("input", filter);

  // What a column sorts by. The first column keeps the order of the papers at first.
  const keys = [
    (row) => row.id,
    (row) => row.cells[1].textContent,
    (row) => parseFloat(row.cells[2].textContent.replace("–", "NaN")),
    (row) => ORDER.indexOf(row.dataset.verdict),
  ];
  function compare(a, b) {
    if (typeof a === "number") return (Number.isNaN(a) - Number.isNaN(b)) || a - b || 0;
    return a.localeCompare(b);
  }
  const heads = Array.from(table.tHead.rows[0].cells);
  heads.forEach((head, column) => {
    const button = element("button", { type: "button" }, head.textContent);
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const sorted = rows.map((row) => [keys[column](row), row]).sort((a, b) => compare(a[0], b[0]));
      if (down) sorted.reverse();
      body.append(...sorted.map((pair) => pair[1]));
    });
  });

  // A link to a claim must find it, whatever the filter hides.
  window.addEventListener("hashchange", () => {
    const row = rows.find((one) => "#" + one.id === location.hash);
    if (row && row.hidden) {
      form.reset();
      filter();
      row.scrollIntoView();
    }
  });
  filter();
})();
