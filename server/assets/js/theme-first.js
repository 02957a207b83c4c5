// Sets the remembered theme before the first paint, so that the page never
// flashes in the other one. A classic script in the head, since modules wait
// for the document; theme.js does the rest.
{
  let remembered = null;
  try {
    remembered = localStorage.getItem("negaphone.theme");
  } catch {
    // Storage may be forbidden; the system's scheme then holds.
  }
  if (remembered === "light" || remembered === "dark") {
    document.documentElement.dataset.theme = remembered;
  }
}
