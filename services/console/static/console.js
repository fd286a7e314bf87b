// Keeps the page current: reads the same page again and replaces what changed. Waits while the page is hidden.
(() => {
  const every = 2000;
  let last = "";
  async function refresh() {
    if (document.hidden) return;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
      if (!answer.ok) return;
      const text = await answer.text();
      if (text === last) return;
      last = text;
      const next = new DOMParser().parseFromString(text, "text/html");
      for (const id of ["stamp", "main"]) {
        const from = next.getElementById(id);
        const to = document.getElementById(id);
        if (from && to && from.innerHTML !== to.innerHTML && !to.contains(document.getSelection()?.anchorNode ?? null)) {
          const focused = document.activeElement?.id;
          to.innerHTML = from.innerHTML;
          if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
        }
      }
    } catch {
      // The server is away; the next round tries again.
    }
  }
  setInterval(refresh, every);
})();
