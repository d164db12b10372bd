// The line above the text: where the example comes from and how far one is; and what is told in passing.

const HINT_MS = 2500
const NOTICE_MS = 4000

class Strip extends Typing {
  paintStrip() {
    const { card } = this
    this.element.dataset.state = this.isSaving() ? "saving" : card ? "ready" : "empty"
    const origin = card ? card.origin : null
    this.part("place").replaceChildren(origin ? [origin.place, origin.source.replaceAll("_", " ")].filter(Boolean).join(" · ") : "")
    this.part("texts").setAttribute("aria-label", card ? `Example ${card.id}` : "Example")
    this.part("served").replaceChildren(card ? this.servedWords() : "")
    this.part("progress").replaceChildren(...this.progressParts())
    this.part("saved").replaceChildren(this.saveWords())
    this.welcome(this.data.progress.is_new)
    this.fit()
  }

  servedWords() {
    const { card } = this
    const [place, count] = this.data.picked[card.id] || []
    const served = count > 1 ? `${place.toLocaleString("en")} of ${count.toLocaleString("en")} you picked` : SERVED[card.served]
    return [served, card.decided && `you said: ${card.decided}`].filter(Boolean).join(" · ")
  }

  // What the example counts for, and what was done today.
  progressParts() {
    const { today, cells } = this.data.progress
    const done = make("span", "", `${this.data.person}: ${today.toLocaleString("en")} today`)
    const cell = this.card && cells[this.card.id]
    if (!cell) return [done]
    if (cell.undecided === null) { // blind: of one's own decisions alone
      const said = `${cell.name && `${cell.name}: `}you accepted ${cell.accepted.toLocaleString("en")}`
      return [make("span", "", cell.wanted ? `${said}; ${cell.wanted.toLocaleString("en")} wanted of all` : said), done]
    }
    const [accepted, wanted, left] = [cell.accepted, cell.wanted, cell.undecided].map((count) => (count ?? "").toLocaleString("en"))
    const parts = [make("span", "", `${cell.name && `${cell.name}: `}${accepted}${wanted && ` of ${wanted}`} accepted`)]
    if (wanted) {
      const bar = make("span", "level")
      bar.style.setProperty("--share", Math.min(1, cell.accepted / Math.max(1, cell.wanted)))
      parts.push(bar)
    }
    return [...parts, make("span", "", `${left} undecided`), done]
  }

  saveWords() {
    if (this.outbox.isSilent()) return "kept in this tab"
    if (this.isSaving()) return "saving"
    if (!this.card) return ""
    if (this.draftTimer) return "typing"
    if (this.outbox.has("draft")) return "saving the draft"
    return this.savedAt || this.card.draft.length ? "draft saved" : ""
  }

  // Something to know, in a line of its own; an error stays until the next decision.
  tell(words, isError) {
    const notice = this.part("notice")
    notice.hidden = !words
    notice.className = isError ? "notice wrong" : "notice"
    notice.replaceChildren(words)
    clearTimeout(this.noticeTimer)
    if (words && !isError) this.noticeTimer = setTimeout(() => (notice.hidden = true), NOTICE_MS)
  }

  // Stays until the app answers again.
  paintAway() {
    const away = this.part("away")
    if (away.hidden !== this.outbox.isSilent()) return
    away.hidden = !away.hidden
    if (!away.hidden) {
      away.replaceChildren("The app does not answer. What you decided and typed is kept in this tab, and sent once it does. ",
        press("quiet", "Reload", [], () => location.reload()))
    }
    this.paintStrip()
  }

  // Why a key did nothing; it moves nothing on the page, and goes by itself.
  hint(words) {
    const hint = this.part("hint")
    hint.replaceChildren(words)
    clearTimeout(this.hintTimer)
    if (words) this.hintTimer = setTimeout(() => hint.replaceChildren(), HINT_MS)
  }

  // For whoever has decided nothing yet; gone with the first decision.
  welcome(isNew) {
    const welcome = this.part("welcome")
    if (!isNew || this.isWelcomed || !this.card) {
      welcome.hidden = true
      return
    }
    if (!welcome.hidden) return
    welcome.hidden = false
    const leave = () => {
      this.isWelcomed = true
      this.paintStrip()
      this.focusText()
    }
    welcome.replaceChildren(
      make("span", "words",
        "Would you be glad of this response? ", ...drawKey("A"), " accepts it, ", ...drawKey("X"), " and a digit rejects it, ",
        ...drawKey("E"), " edits it. All is saved at once, and ", ...drawKey("U"), " takes it back. ", ...drawKey("?"), " lists every key."),
      press("quiet", "Got it", [], leave),
    )
  }
}
