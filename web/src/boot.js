// Runs before the first paint: applies theme, language and text size, so that nothing flashes.
(function () {
  var saved = {}
  try {
    saved = JSON.parse(localStorage.getItem('ondol.settings') || '{}')
  } catch (error) {
    saved = {}
  }
  var root = document.documentElement
  if (saved.theme === 'dark' || saved.theme === 'light') root.dataset.theme = saved.theme
  if (saved.fontSize) root.dataset.fontSize = saved.fontSize
  root.lang = saved.language || ((navigator.language || 'en').indexOf('ko') === 0 ? 'ko' : 'en')
})()
