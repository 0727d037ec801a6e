// Light or dark: the system's preference, until the user chooses. A classic script in the head, so that the
// page is never drawn in the wrong theme first.
(function () {
  const key = "leeway-theme";
  const dark = matchMedia("(prefers-color-scheme: dark)");

  function chosen() {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // without storage the system's preference applies
    }
  }

  function current() {
    return chosen() || (dark.matches ? "dark" : "light");
  }

  function apply() {
    document.documentElement.dataset.theme = current();
    dispatchEvent(new Event("leeway-theme"));
  }

  window.leewayTheme = {
    current,
    toggle() {
      try {
        localStorage.setItem(key, current() === "dark" ? "light" : "dark");
      } catch {
        document.documentElement.dataset.theme = current() === "dark" ? "light" : "dark";
        return;
      }
      apply();
    },
  };
  dark.addEventListener("change", apply);
  apply();
})();
