// One example a screen. The next ones lie ready, so that a decision is followed at once by the next example; the server confirms
// meanwhile, and where it refuses the page goes back to what the server says.

const SETTLE_MS = 250 // what was painted less long ago nobody has read: a key pressed then was meant for the one before
const ALIVE_MS = 120_000
const pages = new WeakMap()

export default function (component) {
  const { parentElement, data, setTriggerValue } = component
  const element = parentElement.querySelector(".page")
  let page = pages.get(element)
  if (!page) pages.set(element, (page = new Page(parentElement, element)))
  page.outbox.send = (messages) => setTriggerValue("sent", { messages })
  page.take(data)
  return () => page.close()
}

class Page extends Typing {
  constructor(root, element) {
    super()
    Object.assign(this, { root, element, card: null, texts: [], note: "", mode: "read", view: "rendered", over: "", choosing: false })
    this.outbox = new Outbox(() => {})
    this.pending = null
    this.gone = new Set()
    this.onKey = (event) => this.key(event)
    this.onHide = () => this.hidden()
    this.onSize = () => this.fit()
    window.addEventListener("keydown", this.onKey, true)
    window.addEventListener("resize", this.onSize)
    document.addEventListener("visibilitychange", this.onHide)
    this.alive = setInterval(() => this.card && !document.hidden && this.outbox.add({ kind: "alive", id: this.card.id }), ALIVE_MS)
    this.fit()
  }

  part(name) {
    return this.element.querySelector(`.${name}`)
  }

  close() {
    window.removeEventListener("keydown", this.onKey, true)
    window.removeEventListener("resize", this.onSize)
    document.removeEventListener("visibilitychange", this.onHide)
    clearInterval(this.alive)
    clearTimeout(this.draftTimer)
    this.outbox.close()
    pages.delete(this.element)
  }

  fit() {
    this.element.style.setProperty("--above", `${Math.max(0, Math.round(this.element.getBoundingClientRect().top))}px`)
  }

  // ---------------------------------------------------------------------------------------------- what the server says

  take(data) {
    this.data = data
    for (const [message, answer] of this.outbox.settle(data.answers)) this.answered(message, answer)
    if (this.pending) return this.paintStrip()
    // An example that was decided in this tab, and is not asked back, is over: an answer under way may still list it.
    const [first] = data.cards
    if (!first) return this.showNothing()
    if (!this.card || this.card.id !== first.id || this.card.version !== first.version || this.card.content !== first.content) {
      this.show(first)
    } else {
      this.card.alike = first.alike
      this.card.suggestions = first.suggestions
      this.paintStrip()
    }
  }

  answered(message, answer) {
    const isPending = this.pending === message.request
    if (isPending) this.pending = null
    if (!answer.ok) this.tell(answer.said, true)
    else if (message.kind === "undo") this.tell(answer.said, false)
    else if (isPending) this.tell("", false)
    if (message.kind !== "draft" || !this.card || message.id !== this.card.id) return
    if (answer.ok && !this.draftTimer && this.sentDraft === message.stamp) this.savedAt = new Date()
    if (answer.live && message.stamp === this.stamp()) {
      this.live = answer.live
      this.liveStamp = message.stamp
      if (this.mode === "edit") paintChanges(this.part("texts"), this)
      else paintTexts(this.part("texts"), this)
      paintSide(this.part("side"), this)
      paintBar(this.part("bar"), this)
    }
  }

  show(card) {
    this.card = card
    this.texts = card.draft.length === card.texts.length ? [...card.draft] : [...card.texts]
    this.note = card.note
    this.live = card.live
    this.liveStamp = this.stamp()
    this.sentDraft = this.stamp()
    this.savedAt = null
    this.mode = "read"
    this.choosing = false
    this.shownMs = 0
    this.since = document.hidden ? null : performance.now()
    clearTimeout(this.draftTimer)
    this.draftTimer = null
    this.paint()
    this.part("texts").scrollTop = 0
    this.part("side").scrollTop = 0
    this.focusText()
    const painted = card.id
    this.element.dataset.settled = "no"
    requestAnimationFrame(() => requestAnimationFrame(() => {
      if (this.card && this.card.id === painted) this.element.dataset.painted = painted
      setTimeout(() => this.card && this.card.id === painted && (this.element.dataset.settled = "yes"), SETTLE_MS)
    }))
  }

  showNothing() {
    this.card = null
    this.element.dataset.painted = ""
    const { title, words } = this.data.empty
    this.part("texts").replaceChildren(make("div", "nothing", make("h2", "", title), ...words.map((line) => make("p", "", line))))
    this.part("side").replaceChildren()
    this.part("bar").replaceChildren(press("", "Undo", ["U"], () => this.run({ name: "undo" })))
    this.paintStrip()
  }

  // ---------------------------------------------------------------------------------------------- keys and what they do

  key(event) {
    const target = event.composedPath()[0]
    if (!(target instanceof Element)) return
    const inside = this.element.contains(target)
    const typing = isTyping(target)
    if (typing && !inside) return
    if (!inside && target.closest("[role=dialog], [role=listbox], [role=menu]")) return
    const command = commandOf(event, { typing, choosing: this.choosing, covered: this.over !== "" })
    if (command === null) return
    event.preventDefault()
    event.stopImmediatePropagation()
    this.run(command)
  }

  run({ name, number }) {
    const decisions = { accept: () => this.decide("accept"), skip: () => this.decide("skip"), flag: () => this.decide("flag") }
    const others = {
      reject: () => this.askReason(), reason: () => this.decide("reject", number ? this.data.reasons[number - 1] || "" : ""),
      undo: () => this.undo(), edit: () => this.enterEditor(), leave: () => this.leave(), prompt: () => this.nextPrompt(),
      view: () => this.nextView(), note: () => this.enterNote(), legend: () => this.cover("legend"), guidelines: () => this.cover("guidelines"),
    }
    if (!this.card && !["undo", "legend", "guidelines", "leave"].includes(name)) return
    ;(decisions[name] || others[name])()
  }

  // Nothing is decided while a decision is under way, nor about what was painted a moment ago.
  isReady() {
    return this.pending === null && this.element.dataset.settled === "yes"
  }

  decide(action, reason = "") {
    if (!this.isReady()) return
    const card = this.card
    clearTimeout(this.draftTimer)
    this.draftTimer = null
    this.pending = this.outbox.add({
      kind: "decide", id: card.id, content: card.content, version: card.version, action, reason, served: card.served,
      texts: this.isEdited() ? this.texts : null, note: this.note, seconds: Math.round(this.shownFor()) / 1000,
    })
    const next = this.data.cards.find((other) => other.id !== card.id)
    if (next) this.show(next)
    else this.paintStrip()
  }

  undo() {
    if (this.pending !== null) return
    this.flushDraft()
    this.pending = this.outbox.add({ kind: "undo" })
    this.paintStrip()
  }

  askReason() {
    if (!this.isReady()) return
    if (this.mode === "edit") this.leaveEditor()
    this.choosing = true
    paintBar(this.part("bar"), this)
    this.focusText()
  }

  enterEditor(turn) {
    this.mode = "edit"
    this.paint()
    const fields = [...this.part("texts").querySelectorAll("textarea")]
    const field = fields[turn ?? fields.length - 1]
    field.focus({ preventScroll: true })
    field.setSelectionRange(0, 0)
    paintChanges(this.part("texts"), this)
    requestAnimationFrame(() => requestAnimationFrame(() => showField(this.part("texts"), field))) // once the fields have their heights
  }

  leaveEditor() {
    this.mode = "read"
    this.flushDraft()
    this.paint()
    this.focusText()
  }

  leave() {
    if (this.over) this.cover("")
    else if (this.choosing) {
      this.choosing = false
      paintBar(this.part("bar"), this)
    } else if (this.mode === "edit") this.leaveEditor()
    else this.flushDraft()
    this.focusText()
  }

  enterNote() {
    const field = this.part("side").querySelector("textarea")
    field.focus()
    field.scrollIntoView({ block: "nearest" })
  }

  cover(what) {
    const { version, read } = this.data.guidelines
    if (what === "guidelines" && version > read) this.outbox.add({ kind: "read", version })
    this.over = this.over === what ? "" : what
    paintOver(this.part("over"), this.over, this)
    if (this.over) this.part("over").querySelector("button").focus()
    else this.focusText()
  }

  focusText() {
    this.part("texts").focus({ preventScroll: true })
  }

  nextPrompt() {
    const names = Object.keys(this.card.prompts)
    if (names.length < 2) return
    const now = names.findIndex((name) => this.card.prompts[name] === this.texts[firstPrompt(this.card)])
    this.takePrompt(names[(now + 1) % names.length])
  }

  takePrompt(name) {
    this.typed(firstPrompt(this.card), this.card.prompts[name])
    this.flushDraft()
    this.paint()
    if (this.mode === "edit") paintChanges(this.part("texts"), this)
  }

  nextView() {
    const views = this.isEdited() ? ["rendered", "raw", "changes"] : ["rendered", "raw"]
    this.setView(views[(views.indexOf(this.shownView()) + 1) % views.length])
  }

  setView(view) {
    this.view = view
    paintTexts(this.part("texts"), this)
    this.focusText()
  }

  shownView() {
    return this.view === "changes" && !this.isEdited() ? "rendered" : this.view
  }

  // ---------------------------------------------------------------------------------------------- painting

  paint() {
    paintTexts(this.part("texts"), this)
    paintSide(this.part("side"), this)
    paintBar(this.part("bar"), this)
    this.paintStrip()
  }

  paintStrip() {
    const { card } = this
    this.element.dataset.state = this.pending ? "saving" : card ? "ready" : "empty"
    const origin = card ? card.origin : null
    this.part("place").replaceChildren(origin ? [origin.place, origin.source.replaceAll("_", " ")].filter(Boolean).join(" · ") : "")
    const served = card ? [SERVED[card.served], card.decided && `you said: ${card.decided}`].filter(Boolean).join(" · ") : ""
    this.part("served").replaceChildren(served)
    this.part("progress").replaceChildren(this.data.progress)
    this.part("saved").replaceChildren(this.saveWords())
    this.fit()
  }

  saveWords() {
    if (this.pending) return "saving"
    if (!this.card) return ""
    if (this.draftTimer) return "typing"
    if (this.outbox.has("draft")) return "saving the draft"
    return this.savedAt || this.card.draft.length ? "draft saved" : ""
  }

  tell(words, isError) {
    const notice = this.part("notice")
    notice.hidden = !words
    notice.className = isError ? "notice wrong" : "notice"
    notice.replaceChildren(words)
    clearTimeout(this.noticeTimer)
    if (words && !isError) this.noticeTimer = setTimeout(() => (notice.hidden = true), 4000)
  }
}
