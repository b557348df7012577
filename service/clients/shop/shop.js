// What a shop writes itself: a purchase is reported with the order's number as its id, so that it counts once.
document.addEventListener('DOMContentLoaded', function () {
  var buy = document.getElementById('buy'), basket = document.getElementById('basket');
  buy.addEventListener('click', function () {
    var order = 'order-' + Date.now();
    basket.textContent = 'Basket: bought, thank you';
    window.adloom.report(buy.dataset.experiment, 'converted', Number(buy.dataset.price), order).then(function (told) {
      basket.dataset.accepted = told ? told.accepted : 0;
    }, function () { basket.dataset.accepted = 'unreachable'; });
  });
  document.getElementById('yes').addEventListener('click', function () { window.adloom.consent(true); });
  document.getElementById('no').addEventListener('click', function () { window.adloom.consent(false); });
});
