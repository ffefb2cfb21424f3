/* Choosing a variant shows its picture and its price. Without this file both stand beside the choice. */
(function () {
  "use strict";

  function show(radio) {
    var price = document.querySelector(".product-price .price b"), picture, gallery;
    if (price && radio.getAttribute("data-price")) { price.textContent = radio.getAttribute("data-price"); }
    picture = document.getElementById(radio.getAttribute("data-picture") || "");
    gallery = picture && picture.parentNode;
    if (!gallery) { return; }
    gallery.scrollLeft = picture.offsetLeft - gallery.offsetLeft;
    if (gallery.scrollWidth <= gallery.clientWidth) { gallery.insertBefore(picture, gallery.firstChild); }
  }

  document.addEventListener("change", function (event) {
    if (event.target.name === "variant") { show(event.target); }
  });
}());
