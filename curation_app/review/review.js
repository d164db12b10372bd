// One example a screen. The next ones lie ready, so that a decision is followed at once by the next example; the server confirms
// meanwhile, and where it refuses the page goes back to what the server says. No key press is lost in silence: what is not taken is told.

const SETTLE_MS = 250 // what was painted less long ago nobody has read: a key pressed then was meant for the one before
const ALIVE_MS = 120_000
const LISTEN_MS = 1000
const DECIDING = new Set(["accept", "skip", "flag", "reject", "reason"])
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

class Page extends Strip {
  constructor(root, element) {
    super()
    Object.assign(this, { root, element, card: null, texts: [], note: "", mode: "read", view: "rendered", over: "", choosing: false })
    this.outbox = new Outbox(() => {}, () => window.alignDrawAgain?.())
    this.listening = setInterval(() => this.paintAway(), LISTEN_MS)
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
    clearInterval(this.listening)
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
    this.outbox.keepFor(data.person)
    for (const [message, answer] of this.outbox.settle(data.answers)) this.answered(message, answer)
    this.paintAway()
    if (this.isSaving() && this.card) return this.paintStrip()
    const first = this.nextCard()
    if (!first) return this.isSaving() ? this.showWaiting() : this.showNothing()
    if (!this.card || this.card.id !== first.id || this.card.version !== first.version || this.card.content !== first.content) {
      this.show(first)
    } else {
      this.card.alike = first.alike
      this.card.suggestions = first.suggestions
      this.paintStrip()
    }
  }

  // The first that is not decided yet: an answer under way may still list what was decided in this tab.
  nextCard() {
    const decided = this.outbox.decided()
    return this.data.cards.find((card) => !decided.has(card.id))
  }

  isSaving() {
    return this.outbox.has("decide") || this.outbox.has("undo")
  }

  answered(message, answer) {
    if (!answer.ok) this.tell(answer.said, true)
    else if (message.kind === "undo" || answer.said) this.tell(answer.said, false)
    if (message.kind !== "draft" || !this.card || message.id !== this.card.id) return
    if (answer.ok && !this.draftTimer && this.sentDraft === message.stamp) this.savedAt = new Date()
    if (answer.outdated && message.stamp === this.stamp()) this.card = null // what is saved is newer: show that
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
    const kept = this.outbox.draftOf(card) // typed in this tab, and not confirmed yet
    if (kept) Object.assign(this, { texts: [...kept.texts], note: kept.note })
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
    this.part("voice").replaceChildren(`Next: ${card.texts[0].slice(0, 160)}`)
    const painted = card.id
    this.element.dataset.settled = "no"
    requestAnimationFrame(() => requestAnimationFrame(() => {
      if (this.card && this.card.id === painted) this.element.dataset.painted = painted
      setTimeout(() => this.card && this.card.id === painted && (this.element.dataset.settled = "yes"), SETTLE_MS)
    }))
  }

  showNothing() {
    this.showWords(this.data.empty)
  }

  showWaiting() {
    this.showWords({ title: "The next example is on its way", words: ["What you decided is being saved."] })
  }

  showWords({ title, words }) {
    this.card = null
    this.element.dataset.painted = ""
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
      view: () => this.nextView(), note: () => this.enterNote(), legend: () => this.cover("legend"), guidelines: () => this.cover("guidelines"), stay: () => {},
    }
    const why = DECIDING.has(name) ? this.whyNot() : ""
    if (why) return this.hint(`Not taken: ${why}.`)
    if (!this.card && !["undo", "legend", "guidelines", "leave", "stay"].includes(name)) return
    ;(decisions[name] || others[name])()
  }

  // Why nothing can be decided now, or nothing.
  whyNot() {
    if (this.outbox.has("undo")) return "your last decision is being taken back"
    if (!this.card) return this.isSaving() ? "the next example is on its way" : "there is no example here"
    return this.element.dataset.settled === "yes" ? "" : "this example had only just come up. Press again to decide about it"
  }

  decide(action, reason = "") {
    const card = this.card
    clearTimeout(this.draftTimer)
    this.draftTimer = null
    this.tell("", false)
    this.hint("")
    this.isWelcomed = true
    this.outbox.add({
      kind: "decide", id: card.id, content: card.content, version: card.version, action, reason, served: card.served,
      texts: this.isEdited() ? this.texts : null, note: this.note, seconds: Math.round(this.shownFor()) / 1000,
    })
    const next = this.nextCard()
    if (next) this.show(next)
    else this.showWaiting()
  }

  undo() {
    if (this.outbox.has("undo")) return this.hint("Not taken: your last decision is being taken back.")
    this.flushDraft()
    this.outbox.add({ kind: "undo" })
    this.paintStrip()
  }

  askReason() {
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
}
