/* Words while typing. Without this file the same field searches just as well. */
(function () {
  "use strict";
  var field = document.querySelector("[data-suggest]"), options = [], at = -1, turn = 0, asked = "", timer, list, told;
  if (!field || !window.JSON) { return; }

  function make(name, role, parent) {
    var node = document.createElement(name);
    if (role) { node.setAttribute("role", role); }
    return parent.appendChild(node);
  }

  function mark(next) {
    if (options[at]) { options[at].setAttribute("aria-selected", "false"); }
    at = next;
    if (options[at]) { options[at].setAttribute("aria-selected", "true"); }
    field.setAttribute("aria-activedescendant", options[at] ? options[at].id : "");
  }

  function show(found) {
    while (list.firstChild) { list.removeChild(list.firstChild); }
    options = found.map(function (one, place) {
      var option = make("li", "option", list);
      option.id = "suggestion-" + place;
      option.textContent = one.text;
      if (one.kind) { make("small", "", option).textContent = " " + one.kind; }
      option.onclick = function () { if (one.url) { location.href = one.url; } else { field.value = one.text; field.form.submit(); } };
      option.onmousedown = function (event) { event.preventDefault(); };
      return option;
    });
    mark(-1);
    list.hidden = !found.length;
    field.setAttribute("aria-expanded", String(!list.hidden));
    told.textContent = found.length ? field.getAttribute("data-suggest").replace("0", found.length) : "";
  }

  function ask() {
    var request = new XMLHttpRequest(), mine = turn += 1, text = field.value.trim();
    if (text === asked) { return; }
    asked = text;
    request.open("GET", "/search/suggestions/?q=" + encodeURIComponent(text));
    request.onload = function () {
      if (mine === turn && request.status === 200 && document.activeElement === field) { show(JSON.parse(request.responseText)); }
    };
    request.send();
  }

  field.addEventListener("input", function () { clearTimeout(timer); timer = setTimeout(ask, 150); });
  field.addEventListener("blur", function () { asked = ""; show([]); });
  field.addEventListener("keydown", function (event) {
    var key = event.isComposing ? 229 : event.keyCode, round = options.length + 1;
    if (key === 40 && round > 1) { mark((at + 2) % round - 1); } else if (key === 38 && round > 1) { mark((at + round) % round - 1); } else if (key === 27) { show([]); } else if (key === 13 && options[at]) { options[at].click(); } else { return; }
    event.preventDefault();
  });
  list = make("ul", "listbox", field.form); list.id = list.className = "suggestions"; list.setAttribute("aria-label", field.placeholder);
  told = make("p", "status", field.form); told.className = "unseen";
  field.setAttribute("role", "combobox"); field.setAttribute("aria-autocomplete", "list"); field.setAttribute("aria-controls", "suggestions"); field.autocomplete = "off";
  show([]);
}());
