// Boxes for the turns of one example. What is typed goes to the server a moment after the last key, so that it survives a reload
// and is compared with what is there; Ctrl+Enter saves a version together with the text.

const DRAFT_MS = 700
const MOST_MS = 1700
const editors = new WeakMap()

export default function (component) {
  const { parentElement, data, setStateValue, setTriggerValue } = component
  const element = parentElement.querySelector(".boxes")
  let editor = editors.get(element)
  if (!editor) editors.set(element, (editor = new Editor(parentElement, element)))
  editor.send = (value) => setStateValue("typed", value)
  editor.save = (value) => setTriggerValue("save", value)
  editor.take(data)
  return () => editor.close()
}

class Editor {
  constructor(root, element) {
    Object.assign(this, { root, element, key: "", texts: [], sent: "", data: null, timer: 0, firstTyped: 0 })
    root.querySelector(".more").onclick = () => this.resize(2)
    root.querySelector(".less").onclick = () => this.resize(-2)
    this.onHide = () => this.flush()
    document.addEventListener("visibilitychange", this.onHide)
  }

  close() {
    clearTimeout(this.timer)
    document.removeEventListener("visibilitychange", this.onHide)
    editors.delete(this.element)
  }

  take(data) {
    const isNew = this.key !== `${data.id} ${data.version} ${data.load}`
    const wasShape = this.data && `${this.data.answered} ${this.data.dialogue}`
    if (isNew) this.flush() // with the data it was typed for: sent after them, it would be the text of the next example
    this.data = data
    if (isNew) {
      this.key = `${data.id} ${data.version} ${data.load}`
      this.texts = data.texts.slice()
      this.sent = JSON.stringify(this.shown())
      this.count = Math.max(data.texts.length, 1)
    }
    if (isNew || wasShape !== `${data.answered} ${data.dialogue}`) this.draw()
    this.say(data.saved)
  }

  // how many boxes the form asks for: a prompt, a prompt with its answer, or exchanges that end as the split wants
  boxes() {
    if (!this.data.dialogue) return this.data.answered ? 2 : 1
    const least = this.data.answered ? 4 : 3
    const count = Math.max(least, this.count)
    return count % 2 === (this.data.answered ? 0 : 1) ? count : count + 1
  }

  shown() {
    return Array.from({ length: this.boxes() }, (_, number) => this.texts[number] ?? "")
  }

  resize(step) {
    this.count = this.boxes() + step
    this.draw()
    this.typed()
    if (step > 0) this.element.querySelectorAll("textarea")[this.boxes() - 2]?.focus()
  }

  draw() {
    this.element.replaceChildren(...this.shown().map((text, number) => this.box(text, number)))
    this.root.querySelector(".more").hidden = !this.data.dialogue
    this.root.querySelector(".less").hidden = !this.data.dialogue || this.boxes() < 5
  }

  box(text, number) {
    const isPrompt = number % 2 === 0
    const name = this.data.dialogue ? `${isPrompt ? "User" : "Assistant"}, turn ${number + 1}` : isPrompt ? "Prompt" : "Response"
    const box = document.createElement("div")
    box.className = "box"
    const label = document.createElement("label")
    const count = document.createElement("span")
    const area = document.createElement("textarea")
    area.id = `turn-${number}`
    label.htmlFor = area.id
    area.value = text
    area.dir = "auto"
    area.rows = isPrompt ? 3 : 9
    area.readOnly = !this.data.open
    area.setAttribute("aria-label", name)
    count.className = "count"
    label.append(name, count)
    const tell = () => this.tell(count, area.value, isPrompt)
    area.oninput = () => {
      this.texts[number] = area.value
      tell()
      this.typed()
    }
    area.onblur = () => this.flush()
    area.onkeydown = (event) => {
      event.stopPropagation() // no key of the page fires from within a text
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.repeat) this.keep()
    }
    tell()
    box.append(label, area)
    return box
  }

  tell(count, text, isPrompt) {
    const size = [...text.trim()].length
    const [low, high] = isPrompt ? this.data.usual.prompt : this.data.usual.response
    count.textContent = `${size.toLocaleString("en")} characters`
    count.classList.toggle("far", size > 0 && (size < low || size > high))
  }

  typed() {
    const now = Date.now()
    if (!this.firstTyped) this.firstTyped = now
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.flush(), Math.max(0, Math.min(DRAFT_MS, this.firstTyped + MOST_MS - now)))
    this.say("typing")
  }

  flush() {
    clearTimeout(this.timer)
    this.firstTyped = 0
    if (!this.data || !this.data.open) return
    const texts = this.shown()
    const text = JSON.stringify(texts)
    if (text === this.sent) return
    this.sent = text
    this.send({ id: this.data.id, version: this.data.version, texts })
  }

  keep() {
    clearTimeout(this.timer)
    this.firstTyped = 0
    const texts = this.shown()
    this.sent = JSON.stringify(texts)
    this.save({ id: this.data.id, version: this.data.version, texts })
  }

  say(saved) {
    this.root.querySelector(".saved").textContent =
      saved === "typing" ? "" : saved ? "Draft kept · Ctrl+Enter saves a version" : "Ctrl+Enter saves a version"
  }
}
