/* How many letters a field still takes, while they are typed. Without this file the page says how many it takes in all. */
(function () {
  "use strict";

  var places = document.querySelectorAll("[data-letters-left]"), i;

  function follow(place) {
    var field = document.getElementById(place.getAttribute("data-letters-left"));
    if (!field) { return; }
    function count() { place.textContent = Math.max(0, field.maxLength - field.value.length); }
    field.addEventListener("input", count);
    window.addEventListener("pageshow", count);
    count();
  }

  for (i = 0; i < places.length; i += 1) { follow(places[i]); }
}());
