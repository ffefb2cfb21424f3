/* Small comforts. Every page and every purchase works without this file. */
(function () {
  "use strict";

  function cookie(name) {
    var parts = document.cookie.split("; "), i;
    for (i = 0; i < parts.length; i += 1) {
      if (parts[i].indexOf(name + "=") === 0) { return parts[i].slice(name.length + 1); }
    }
    return "";
  }

  /* The cart's count stands in a cookie, because pages that everyone shares cannot carry it. */
  function showCartCount() {
    var count = cookie("cart_count"), places = document.querySelectorAll("[data-cart-count]"), i;
    if (!/^[1-9][0-9]{0,2}$/.test(count)) { count = ""; }
    for (i = 0; i < places.length; i += 1) {
      places[i].textContent = count;
      if (count) { places[i].removeAttribute("hidden"); } else { places[i].setAttribute("hidden", ""); }
    }
  }

  /* A second press does nothing while the first is on its way. The server refuses repeats by itself. */
  function sendOnce(event) {
    var form = event.target;
    if (!form.hasAttribute || !form.hasAttribute("data-once")) { return; }
    if (form.hasAttribute("data-sent")) { event.preventDefault(); return; }
    form.setAttribute("data-sent", "");
  }

  /* A page that comes back from the browser's memory may send again and shows the cart of now. */
  function comeBack() {
    var sent = document.querySelectorAll("form[data-sent]"), i;
    for (i = 0; i < sent.length; i += 1) { sent[i].removeAttribute("data-sent"); }
    showCartCount();
  }

  document.addEventListener("submit", sendOnce);
  window.addEventListener("pageshow", comeBack);
  showCartCount();

  var wrong = document.querySelector("[data-focus]");
  if (wrong) { wrong.focus(); }
}());
