// Which key does what. Letters decide only where nothing is being typed.

const READING = {
  a: "accept", x: "reject", s: "skip", f: "flag", u: "undo", e: "edit", t: "prompt", r: "view",
  g: "guidelines", n: "note", "?": "legend",
}

const LEGEND = [
  ["A", "accept"], ["X", "reject, then 1 to 9 for the reason (Enter: without one)"], ["S", "skip: comes back later"],
  ["F", "flag for somebody else to look at"], ["U", "undo your last decision, as often as you like"],
  ["E", "edit"], ["Esc", "leave the editor, the note or this list; what you typed stays"],
  ["Ctrl Enter", "in the editor: save and accept"], ["Alt X", "in the editor: save and reject"],
  ["T", "take the title or the body as the prompt"], ["R", "rendered, raw, changes"], ["N", "note"],
  ["G", "guidelines"], ["?", "this list"],
]

// The character of a key on a Latin keyboard, whatever layout is in use.
function letterOf(event) {
  if (event.key.length === 1 && event.key.charCodeAt(0) < 128) return event.key.toLowerCase()
  const place = /^(?:Key|Digit|Numpad)(\w)$/.exec(event.code)
  return place ? place[1].toLowerCase() : event.key
}

// What a key press asks for, or null. `typing`: the editor or the note has the focus; `choosing`: a reason is asked for.
function commandOf(event, { typing, choosing, covered }) {
  if (event.repeat || event.isComposing) return null
  const strong = event.ctrlKey || event.metaKey
  if (event.key === "Escape") return { name: "leave" }
  if (strong && event.key === "Enter" && !event.altKey) return covered ? null : { name: "accept" }
  if (event.altKey && !strong && event.code === "KeyX") return covered ? null : { name: "reject" }
  if (typing || strong || event.altKey) return null
  if (covered && event.key === "Tab") return { name: "stay" } // nothing below is to be reached
  const letter = letterOf(event)
  if (covered) return ["?", "g"].includes(letter) ? { name: "leave" } : null
  if (choosing) {
    if (/^[1-9]$/.test(letter)) return { name: "reason", number: Number(letter) }
    if (event.key === "Enter" || letter === "x") return { name: "reason", number: 0 }
    return null
  }
  return READING[letter] ? { name: READING[letter] } : null
}

function isTyping(element) {
  return element instanceof HTMLTextAreaElement || element instanceof HTMLInputElement || element.isContentEditable === true
}
