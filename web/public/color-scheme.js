// Before the first paint, or a dark page would flash white. A file of its own: inline scripts are not allowed.
(() => {
  let wanted = 'auto';
  try {
    wanted = localStorage.getItem('tradewind-color-scheme') ?? 'auto';
  } catch {
    // Storage may be switched off; the system's scheme will do.
  }
  const dark = wanted === 'dark' || (wanted !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light');
})();
