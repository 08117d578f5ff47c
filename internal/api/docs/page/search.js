"use strict";

// The search box: all words must occur; what begins a title comes first. ?q= searches at once.
(() => {
  const box = document.getElementById("search");
  const list = document.getElementById("found");
  const narrow = window.matchMedia("(max-width: 56rem)");
  const contents = document.querySelector("nav details");
  const fold = () => { contents.open = !narrow.matches; };
  narrow.addEventListener("change", fold);
  fold();

  let entries = null;
  let chosen = -1;

  const load = async () => {
    if (entries === null) {
      entries = [];
      const answer = await fetch("/docs/search.json");
      if (answer.ok) entries = await answer.json();
    }
    return entries;
  };

  const rank = (entry, words) => {
    const title = entry.title.toLowerCase();
    if (title.startsWith(words[0])) return 0;
    return title.includes(words[0]) ? 1 : 2;
  };

  const row = (entry, i) => {
    const item = document.createElement("li");
    item.id = "found-" + i;
    item.setAttribute("role", "option");
    const link = document.createElement("a");
    link.href = entry.path;
    link.tabIndex = -1;
    link.textContent = entry.title;
    const where = document.createElement("small");
    where.textContent = entry.where;
    link.append(where);
    item.append(link);
    return item;
  };

  const close = () => {
    list.hidden = true;
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
    chosen = -1;
  };

  const choose = (i) => {
    const options = list.querySelectorAll("[role=option]");
    if (options.length === 0) return;
    chosen = (i + options.length) % options.length;
    options.forEach((o, n) => o.setAttribute("aria-selected", String(n === chosen)));
    options[chosen].scrollIntoView({ block: "nearest" });
    box.setAttribute("aria-activedescendant", options[chosen].id);
  };

  const search = async () => {
    const all = await load();
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length === 0) return close();
    const found = all.filter((e) => words.every((w) => e.words.includes(w)))
      .sort((a, b) => rank(a, words) - rank(b, words)).slice(0, 20);
    list.replaceChildren(...found.map(row));
    if (found.length === 0) {
      const none = document.createElement("li");
      none.className = "none";
      none.textContent = "Nothing found";
      list.append(none);
    }
    list.hidden = false;
    box.setAttribute("aria-expanded", "true");
    chosen = -1;
    choose(0);
  };

  box.addEventListener("input", search);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { close(); return; }
    if (list.hidden) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      choose(chosen + (event.key === "ArrowDown" ? 1 : -1));
    }
    if (event.key === "Enter" && chosen >= 0) {
      event.preventDefault();
      list.querySelectorAll("[role=option] a")[chosen].click();
      close();
    }
  });
  const asked = new URLSearchParams(location.search).get("q");
  if (asked) {
    box.value = asked;
    search();
  }
  document.addEventListener("click", (event) => { if (!event.target.closest(".search")) close(); });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.target.closest("input, textarea")) {
      event.preventDefault();
      box.focus();
    }
  });
})();
