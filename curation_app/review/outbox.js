// What was told to the server and not answered yet. Every message has a uuid and may be sent again: the server takes it once.
// The tab keeps decisions and drafts meanwhile: what is decided or typed right before the page is left or loaded anew, or while
// the server is away, is sent by the next page or once the server is back.

const RESEND_MS = 4000
const RESEND_MOST_MS = 12_000
const SILENT_MS = 7000 // unanswered for so long, the app is said not to answer
const AFTER_MS = 1000

class Outbox {
  // `again` asks for the whole page: a server that was started anew knows nothing of this one, and drops what it sends.
  constructor(send, again) {
    Object.assign(this, { send, again, messages: [], kept: "", heard: performance.now(), wait: RESEND_MS, timer: null })
  }

  // Takes up what an earlier page of this person in this tab could not send.
  keepFor(person) {
    const kept = `align-unsent-${person}`
    if (kept === this.kept) return
    this.kept = kept
    const before = readKept(kept)
    if (!before.length) return
    this.messages = [...before, ...this.messages]
    this.post()
  }

  add(message) {
    // Of several drafts of one example only the last one matters.
    // A decision says itself what was typed.
    if (message.kind === "draft" || message.kind === "decide") {
      this.messages = this.messages.filter((other) => other.kind !== "draft" || other.id !== message.id)
    }
    if (!this.messages.length) this.heard = performance.now() // there was nothing to answer before
    const added = { request: newRequest(), made: Date.now(), ...message }
    this.messages.push(added)
    this.post()
    return added.request
  }

  post() {
    writeKept(this.kept, this.messages)
    // All that is open goes along: Streamlit may merge two events, of which only the last one arrives.
    this.send(this.messages.map(({ made, ...message }) => ({ ...message, age: Math.max(0, Date.now() - made) / 1000 })))
    if (!this.timer) this.timer = setTimeout(() => this.repeat(), this.wait)
  }

  repeat() {
    this.timer = null
    if (!this.messages.length) return
    this.wait = Math.min(this.wait * 1.5, RESEND_MOST_MS)
    if (!this.isSilent()) return this.post()
    this.again()
    // Streamlit makes one event of two that come together, and that one would not draw the page.
    this.timer = setTimeout(() => {
      this.timer = null
      this.post()
    }, AFTER_MS)
  }

  isSilent() {
    return this.messages.length > 0 && performance.now() - this.heard > SILENT_MS
  }

  // Takes what was answered out, and returns those messages with their answers.
  settle(answers) {
    const answered = this.messages.filter((message) => answers[message.request])
    this.messages = this.messages.filter((message) => !answers[message.request])
    Object.assign(this, { heard: performance.now(), wait: RESEND_MS }) // also where it answers what a later draft took the place of
    if (answered.length) writeKept(this.kept, this.messages)
    return answered.map((message) => [message, answers[message.request]])
  }

  // Ids of the examples that a decision is under way about.
  decided() {
    return new Set(this.messages.filter((message) => message.kind === "decide").map((message) => message.id))
  }

  // What was typed into this very text and is not confirmed yet, or nothing.
  draftOf({ id, content, version, texts }) {
    return this.messages.find((message) =>
      message.kind === "draft" && message.id === id && message.content === content && message.version === version &&
      message.texts.length === texts.length)
  }

  has(kind) {
    return this.messages.some((message) => message.kind === kind)
  }

  close() {
    clearTimeout(this.timer)
  }
}

// A browser may forbid it or have no room; then only a reload at the wrong moment loses something, and drafts before decisions.
function writeKept(name, messages) {
  const decisions = messages.filter((message) => message.kind === "decide")
  const all = messages.filter((message) => message.kind === "decide" || message.kind === "draft")
  if (!isWritten(name, all)) isWritten(name, decisions)
}

function isWritten(name, messages) {
  try {
    if (messages.length) sessionStorage.setItem(name, JSON.stringify(messages))
    else sessionStorage.removeItem(name)
    return true
  } catch {
    return false
  }
}

function readKept(name) {
  try {
    return JSON.parse(sessionStorage.getItem(name) || "[]")
  } catch {
    return []
  }
}

function newRequest() {
  if (crypto.randomUUID) return crypto.randomUUID()
  // Without HTTPS a browser has no randomUUID except on the machine itself.
  const bytes = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0"))
  return [4, 2, 2, 2, 6].map((count) => bytes.splice(0, count).join("")).join("-")
}
