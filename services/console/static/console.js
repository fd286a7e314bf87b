// Keeps the page current: reads the same page again and replaces what changed. Waits while the page is hidden.
(() => {
  const every = 2000;
  let last = "";
  // stale says on the page that its numbers are not kept current.
  function stale(yes) {
    document.getElementById("stale").hidden = !yes;
  }
  // replace puts in the parts that changed, and leaves the keyboard's and the reader's place where it was.
  function replace(next) {
    const parts = (page) => [...page.querySelectorAll("[data-live]")].map((e) => e.id).join();
    if (parts(next) !== parts(document)) {
      document.getElementById("main").innerHTML = next.getElementById("main").innerHTML; // other tables than before
      return;
    }
    for (const to of document.querySelectorAll("[data-live]")) {
      const from = next.getElementById(to.id);
      if (!from || from.innerHTML === to.innerHTML || to.contains(document.getSelection()?.anchorNode ?? null)) continue;
      const focused = to.contains(document.activeElement) ? document.activeElement.id : "";
      const places = [...to.querySelectorAll(".scroll")].map((e) => [e.id, e.scrollLeft]);
      to.innerHTML = from.innerHTML;
      for (const [id, left] of places) {
        const box = id && document.getElementById(id);
        if (box) box.scrollLeft = left;
      }
      if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    }
  }
  async function refresh() {
    if (document.hidden) return;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
      if (!answer.ok) return stale(true);
      const text = await answer.text();
      if (text === last) return stale(false);
      last = text;
      const next = new DOMParser().parseFromString(text, "text/html");
      replace(next);
      stale(false);
    } catch {
      stale(true); // the server is away; the next round tries again
    }
  }
  setInterval(refresh, every);
})();
