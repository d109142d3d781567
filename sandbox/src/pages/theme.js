// The theme before anything is drawn: ?theme=, what was chosen last, or the system's.
(() => {
  const asked = new URLSearchParams(location.search).get("theme");
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  document.documentElement.dataset.theme = asked || localStorage.getItem("theme") || system;
})();
