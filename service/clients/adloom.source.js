// adloom for a shop's page: shows the creative a test chose and says when it was really seen; where no answer comes,
// the page stays as it is. How to use it: README.md beside this file. Made small by make_client.sh, served as adloom.js.
(function (window, document) {
  var script = document.currentScript, options = script.dataset, server = new URL(script.src).origin;
  var agreed, number = 0, memory = { decisions: {} };

  // What is kept in the browser is kept after consent only; a browser that keeps nothing is no fault.
  function keep() {
    try {
      if (agreed) localStorage.adloom = JSON.stringify(memory);
      else localStorage.removeItem('adloom');
    } catch (e) {}
  }

  function consent(yes) {
    agreed = yes;
    if (yes) try { memory = JSON.parse(localStorage.adloom); } catch (e) {}
    memory.visitor = yes ? memory.visitor || Date.now().toString(36) + Math.random().toString(36).slice(2) : undefined;
    keep();
  }

  function call(path, body, keepalive) {
    var stop = new AbortController();
    setTimeout(function () { stop.abort(); }, options.timeout || 2000);
    return fetch(server + '/v1/' + path, {
      method: 'POST', body: JSON.stringify(body), keepalive: keepalive, signal: stop.signal,
      headers: { 'X-API-Key': options.key, 'Content-Type': 'application/json' }
    }).then(function (reply) {
      if (!reply.ok) throw reply;
      return reply.json();
    });
  }

  // Half of it in view for a second, on a page that is looked at: then, and once only, it was seen.
  function whenSeen(element, tell) {
    var timer, watch = new IntersectionObserver(function (entries) {
      clearTimeout(timer);
      if (entries.pop().isIntersecting) look();
    }, { threshold: .5 });
    function look() {
      timer = setTimeout(function () {
        if (document.hidden) return look();
        watch.disconnect();
        tell();
      }, 1000);
    }
    watch.observe(element);
  }

  function place(element) {
    var own = element.dataset, test = own.adloom, image = element.querySelector('img');
    own.state = 'asking';
    call('experiments/' + test + '/decide', {
      consent: !!agreed, visitor: memory.visitor, sticky: agreed && 'sticky' in own, segment: own.segment
    }).then(function (choice) {
      var creative = choice.creative, ahead = new Image();
      ahead.src = creative.picture;
      return ahead.decode().then(function () {
        if (image) image.srcset = '', image.src = ahead.src, image.alt = creative.headline || image.alt;
        element.querySelectorAll('[data-text]').forEach(function (part) {
          part.textContent = creative[part.dataset.text] || ''; // never half of the default
        });
        (element.closest('a') || element.querySelector('a') || {}).href = choice.click;
        memory.decisions[test] = choice.decision;
        keep();
        own.state = 'shown';
        whenSeen(element, function () { new Image().src = choice.pixel; });
      });
    }).catch(function () { own.state = 'default'; });
  }

  function scan() {
    document.querySelectorAll('[data-adloom]:not([data-state])').forEach(place);
  }

  window.adloom = {
    scan: scan,
    consent: consent,
    report: function (test, kind, value, id) {
      var decision = memory.decisions[test], body = { events: [{ id: id || kind + Date.now() + number++, decision: decision, kind: kind, value: value }] };
      function send() { return call('events', body, true); }
      return decision ? send().catch(send) : Promise.resolve();
    }
  };
  if (options.consent) consent(options.consent == 'yes');
  scan();
})(window, document);
