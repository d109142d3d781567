// What is marked `data-live` is fetched again after so many seconds, while the page is looked at and nobody is in a form of it or
// has one open.
// A look of this kind does not keep a session alive, so that a screen that is left alone is signed out.
"use strict";

for (const part of document.querySelectorAll("[data-live]")) {
  const pause = Number(part.dataset.live) * 1000;
  const rests = () => !document.hidden && !part.contains(document.activeElement) && !part.querySelector("details[open]");
  const again = async () => {
    if (rests()) {
      try {
        const answer = await fetch(location.href, { headers: { "x-live": "yes" }, redirect: "error" });
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.querySelector("[data-live]");
        // Somebody may have gone into it meanwhile.
        if (answer.ok && fresh && rests()) part.replaceChildren(...fresh.childNodes);
      } catch {
        // The next look will tell.
      }
    }
    setTimeout(again, pause);
  };
  setTimeout(again, pause);
}

// The menu is open where there is room for it.
const menu = document.querySelector("details.menu");
if (menu && matchMedia("(min-width: 64rem)").matches) menu.open = true;
