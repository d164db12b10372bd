// What was told to the server and not answered yet. Every message has a uuid and may be sent again: the server takes it once.
// The tab keeps it meanwhile, so that what is decided right before the page is left or loaded anew is sent by the next one.

const RESEND_MS = 4000

class Outbox {
  constructor(send) {
    this.send = send
    this.messages = []
    this.kept = ""
    this.timer = setInterval(() => this.messages.length && this.post(), RESEND_MS)
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
    if (message.kind === "draft") {
      this.messages = this.messages.filter((other) => other.kind !== "draft" || other.id !== message.id)
    }
    const added = { request: newRequest(), ...message }
    this.messages.push(added)
    this.post()
    return added.request
  }

  post() {
    writeKept(this.kept, this.messages)
    // All that is open goes along: Streamlit may merge two events, of which only the last one arrives.
    this.send(this.messages.map((message) => ({ ...message })))
  }

  // Takes what was answered out, and returns those messages with their answers.
  settle(answers) {
    const answered = this.messages.filter((message) => answers[message.request])
    this.messages = this.messages.filter((message) => !answers[message.request])
    if (answered.length) writeKept(this.kept, this.messages)
    return answered.map((message) => [message, answers[message.request]])
  }

  // Ids of the examples that a decision is under way about.
  decided() {
    return new Set(this.messages.filter((message) => message.kind === "decide").map((message) => message.id))
  }

  has(kind) {
    return this.messages.some((message) => message.kind === kind)
  }

  close() {
    clearInterval(this.timer)
  }
}

// A browser may forbid it or have no room; then only a reload at the wrong moment loses something.
function writeKept(name, messages) {
  const decisions = messages.filter((message) => message.kind === "decide")
  try {
    if (decisions.length) sessionStorage.setItem(name, JSON.stringify(decisions))
    else sessionStorage.removeItem(name)
  } catch {
    return
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
