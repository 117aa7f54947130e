// Shows the title of what is pointed at, touched or focused at once; without it the browser shows titles itself.
(function () {
  var tip = document.createElement("div"), titled = null;
  tip.id = "tip"; tip.hidden = true; tip.setAttribute("aria-hidden", "true");
  document.body.appendChild(tip);
  function find(element) {
    while (element && element.nodeType === 1) {
      if (element.dataset && element.dataset.tip) { return element; }
      var first = element.firstElementChild;
      if (first && first.tagName === "title" && element.tagName !== "svg") {
        element.dataset.tip = first.textContent;
        element.setAttribute("aria-label", first.textContent);
        first.remove();
        return element;
      }
      element = element.parentNode;
    }
    return null;
  }
  function show(event) {
    var box, x = event.clientX, y = event.clientY;
    titled = find(event.target);
    tip.hidden = !titled;
    if (!titled) { return; }
    tip.textContent = titled.dataset.tip;
    if (x === undefined) {
      box = titled.getBoundingClientRect(); x = box.right; y = box.bottom;
    }
    tip.style.left = Math.max(4, Math.min(x + 12, innerWidth - tip.offsetWidth - 6)) + "px";
    tip.style.top = (y + 16 + tip.offsetHeight > innerHeight ? y - tip.offsetHeight - 10 : y + 16) + "px";
  }
  document.addEventListener("pointerover", show);
  document.addEventListener("pointerdown", show);
  document.addEventListener("focusin", show);
  document.addEventListener("keydown", function (event) { if (event.key === "Escape") { tip.hidden = true; } });
  addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (each) { each.open = true; });
  });
})();
