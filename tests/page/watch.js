// Notes what a policy refused, from the first moment on.
window.refused = [];
addEventListener("securitypolicyviolation", (event) => {
  window.refused.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`);
});
