/* The products this browser looked at last: kept in it alone, sent nowhere. Without this file nothing is missing. */
(function () {
  "use strict";
  var KEY = "recent", MOST = 7, store, seen = [], here = document.querySelector("[data-viewed]");
  var place = document.querySelector("[data-recent]"), picture, i, shown = 0;

  function read() {
    var kept;
    try { kept = JSON.parse(store.getItem(KEY) || "[]"); } catch (broken) { kept = []; }
    return Array.isArray(kept) ? kept.filter(function (one) {
      return one && typeof one.url === "string" && /^\/products\/[0-9]+\/[A-Za-z0-9_-]+\/$/.test(one.url) &&
        typeof one.name === "string" && typeof one.price === "string";
    }).slice(0, MOST) : [];
  }

  function element(name, style, text) {
    var made = document.createElement(name);
    made.className = style;
    if (text) { made.textContent = text; }
    return made;
  }

  function card(one) {
    var item = document.createElement("li"), link = element("a", "card"), frame = element("span", "card-picture");
    var image = document.createElement("img"), price = element("span", "price");
    link.href = one.url;
    if (/^\/[^/]/.test(one.picture || "")) {
      image.src = one.picture; image.alt = ""; image.width = 320; image.height = 320;
      frame.appendChild(image);
    }
    link.appendChild(frame);
    link.appendChild(element("span", "card-name", one.name));
    price.appendChild(element("b", "", one.price));
    link.appendChild(price);
    item.appendChild(link);
    return item;
  }

  try { store = window.localStorage; seen = read(); } catch (refused) { return; }
  if (place) {
    for (i = 0; i < seen.length && shown < 6; i += 1) {
      if (here && seen[i].id === here.getAttribute("data-viewed")) { continue; }
      place.querySelector("ul").appendChild(card(seen[i]));
      shown += 1;
    }
    if (shown) { place.removeAttribute("hidden"); }
    place.querySelector("[data-recent-clear]").addEventListener("click", function () {
      store.removeItem(KEY);
      place.setAttribute("hidden", "");
    });
  }
  if (here) {
    picture = here.querySelector("img");
    seen = seen.filter(function (one) { return one.id !== here.getAttribute("data-viewed"); });
    seen.unshift({ id: here.getAttribute("data-viewed"), url: window.location.pathname, name: here.getAttribute("data-name"),
      price: here.getAttribute("data-price"), picture: picture ? picture.getAttribute("src") : "" });
    try { store.setItem(KEY, JSON.stringify(seen.slice(0, MOST))); } catch (full) { return; }
  }
}());
