// What was told to the server and not answered yet. Every message has a uuid and may be sent again: the server takes it once.

const RESEND_MS = 4000

class Outbox {
  constructor(send) {
    this.send = send
    this.messages = []
    this.timer = setInterval(() => this.messages.length && this.post(), RESEND_MS)
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
    // All that is open goes along: Streamlit may merge two events, of which only the last one arrives.
    this.send(this.messages.map((message) => ({ ...message })))
  }

  // Takes what was answered out, and returns those messages with their answers.
  settle(answers) {
    const answered = this.messages.filter((message) => answers[message.request])
    this.messages = this.messages.filter((message) => !answers[message.request])
    return answered.map((message) => [message, answers[message.request]])
  }

  has(kind) {
    return this.messages.some((message) => message.kind === kind)
  }

  close() {
    clearInterval(this.timer)
  }
}

function newRequest() {
  if (crypto.randomUUID) return crypto.randomUUID()
  // Without HTTPS a browser has no randomUUID except on the machine itself.
  const bytes = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0"))
  return [4, 2, 2, 2, 6].map((count) => bytes.splice(0, count).join("")).join("-")
}
