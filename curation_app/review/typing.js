// What a person has typed: kept here while the field has it, sent as a draft soon after, also where nobody pauses.

const DRAFT_MS = 600
const DRAFT_MOST_MS = 1400

class Typing {
  isEdited() {
    return this.texts.some((text, number) => text !== this.card.texts[number])
  }

  stamp() {
    return JSON.stringify([this.texts, this.note])
  }

  liveIsCurrent() {
    return JSON.stringify(this.texts) === JSON.stringify(JSON.parse(this.liveStamp)[0])
  }

  typed(turn, text) {
    const before = this.isEdited()
    this.texts[turn] = text
    this.draftLater()
    if (before !== this.isEdited()) paintBar(this.part("bar"), this)
  }

  noted(text) {
    this.note = text
    this.draftLater()
  }

  draftLater() {
    const now = performance.now()
    if (!this.draftTimer) this.typingSince = now
    clearTimeout(this.draftTimer)
    const wait = Math.max(0, Math.min(DRAFT_MS, this.typingSince + DRAFT_MOST_MS - now))
    this.draftTimer = setTimeout(() => this.flushDraft(), wait)
    this.paintStrip()
  }

  flushDraft() {
    clearTimeout(this.draftTimer)
    this.draftTimer = null
    if (!this.card || this.stamp() === this.sentDraft) return this.paintStrip()
    this.sentDraft = this.stamp()
    const { id, content, version } = this.card
    this.outbox.add({ kind: "draft", id, content, version, texts: [...this.texts], note: this.note, stamp: this.sentDraft })
    this.paintStrip()
  }

  hidden() {
    if (document.hidden) {
      this.shownMs = this.shownFor()
      this.since = null
      this.flushDraft()
    } else this.since = performance.now()
  }

  shownFor() {
    return this.shownMs + (this.since === null ? 0 : performance.now() - this.since)
  }
}
