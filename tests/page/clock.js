// Time as a test says: timers of half a second and more wait for `advance`, and so does the clock
// that the page reads between them. Shorter ones are left alone (the page's library draws by them).
(() => {
  const { setTimeout: start, clearTimeout: stop } = window;
  const timers = new Map();
  let last = 1e9, time = 0;
  performance.now = () => time;
  window.setTimeout = (run, ms = 0, ...more) => {
    if (ms < 500) return start(run, ms, ...more);
    timers.set(++last, { run, at: time + ms });
    return last;
  };
  window.clearTimeout = (id) => { if (!timers.delete(id)) stop(id); };
  window.timersDue = () => [...timers.values()].map(({ at }) => at - time).sort((a, b) => a - b);
  window.advance = (ms) => {
    time += ms;
    for (const [id, { run, at }] of [...timers]) {
      if (at <= time && timers.delete(id)) run();
    }
  };
})();
