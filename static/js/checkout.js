/* The checkout's sum, fees and times follow what is chosen. Without this file two buttons do the same. */
(function () {
  "use strict";

  var form = document.querySelector("form[data-live]"), latest = 0;
  if (!form || !window.DOMParser || !window.XMLHttpRequest) { return; }

  function typed(button) {
    var pairs = [button + "=1"], fields = form.elements, i, field;
    for (i = 0; i < fields.length; i += 1) {
      field = fields[i];
      if (!field.name || field.disabled || field.type === "submit" || field.type === "button") { continue; }
      if ((field.type === "radio" || field.type === "checkbox") && !field.checked) { continue; }
      pairs.push(encodeURIComponent(field.name) + "=" + encodeURIComponent(field.value));
    }
    return pairs.join("&");
  }

  function show(answer, changed) {
    var page = new window.DOMParser().parseFromString(answer, "text/html"), parts = form.querySelectorAll("[data-live-part]");
    var i, fresh;
    for (i = 0; i < parts.length; i += 1) {
      fresh = page.querySelector("[data-live-part=" + parts[i].getAttribute("data-live-part") + "]");
      /* What was just touched stays as it is, with the reader's place in it. */
      if (fresh && !parts[i].contains(changed)) { parts[i].parentNode.replaceChild(document.importNode(fresh, true), parts[i]); }
    }
    offerButtons(false);
  }

  function offerButtons(offered) {
    var buttons = form.querySelectorAll("[data-live-button]"), i;
    for (i = 0; i < buttons.length; i += 1) {
      if (offered) { buttons[i].removeAttribute("hidden"); } else { buttons[i].setAttribute("hidden", ""); }
    }
  }

  form.addEventListener("change", function (event) {
    var changed = event.target, request = new window.XMLHttpRequest(), turn = latest + 1;
    if (!changed.hasAttribute("data-live-input") && changed.name !== "neighbourhood") { return; }
    latest = turn;
    request.open("POST", "/checkout/");
    request.setRequestHeader("Content-Type", "application/x-www-form-urlencoded");
    request.onload = function () {
      if (turn === latest && request.status === 200) { show(request.responseText, changed); }
    };
    request.onerror = function () { offerButtons(true); };
    request.send(typed("update"));
  });

  /* Whoever leaves by the browser's own buttons finds it all again. */
  window.addEventListener("pagehide", function () {
    if (form.hasAttribute("data-sent") || !navigator.sendBeacon || !window.Blob) { return; }
    navigator.sendBeacon("/checkout/", new window.Blob([typed("keep")], { type: "application/x-www-form-urlencoded" }));
  });

  offerButtons(false);
}());
