// What is known of the example: rules, style, neighbours, origin; and the note.

// Why it was served is said only where that tells nothing about it: who knows that a look is a second one judges otherwise.
const SERVED = { search: "you picked it", bulk: "from a list" }

// A rule's detail that is no longer stands behind what it says, and not in a box of its own.
const SHORT_CHARS = 24

function paintSide(side, page) {
  const { card, live } = page
  const note = side.querySelector("textarea")
  const keepsNote = note && note === page.root.activeElement
  if (keepsNote) {
    side.querySelector(".known").replaceChildren(...knownOf(card, live, page.data.progress.accepted))
    return
  }
  side.replaceChildren(make("div", "known", ...knownOf(card, live, page.data.progress.accepted)), noteOf(page))
}

function knownOf(card, live, accepted) {
  return [
    rulesOf(live.rules), styleOf(live.style), alikeOf(card.alike, accepted), suggestionsOf(card.suggestions), originOf(card.origin, card.id),
  ].filter(Boolean)
}

function part(title, aside, ...children) {
  const head = make("h3", "", title)
  if (aside) head.append(make("span", "aside", aside))
  return make("section", "part", head, ...children)
}

function rulesOf(rules) {
  if (!rules.length) return part("Rules", "", make("p", "faint", "The recipe has no filter above this stage."))
  const failed = rules.filter((rule) => rule.status === "failed").length
  const list = make("ul", "rules")
  for (const rule of rules) {
    const item = make("li", rule.status.replace(" ", "-"))
    item.append(make("span", "mark", ""), make("span", "rule", rule.rule.replaceAll("_", " ")))
    item.append(make("span", "status", rule.status === "passed" ? rule.said || "passed" : rule.status))
    if (rule.asked) item.append(make("div", "asked", rule.asked))
    const isBare = rule.status === "failed" && !rule.around && rule.detail.length <= SHORT_CHARS
    if (rule.status !== "passed") item.append(make("div", "said", isBare && rule.detail ? `${rule.said}: ${rule.detail}` : rule.said))
    if (rule.around) {
      const [before, found, after] = rule.around
      item.append(make("div", "around", before, make("mark", "", found), after))
    } else if (rule.status === "failed" && rule.detail && !isBare) item.append(make("div", "around", rule.detail))
    list.append(item)
  }
  return part("Rules", failed ? `${failed} of ${rules.length} failed` : "all passed", list)
}

function styleOf(reasons) {
  if (!reasons.length) return part("Style", "nothing unusual")
  return part("Style", "unusual", make("ul", "plain", ...reasons.map((reason) => make("li", "", reason))))
}

function alikeOf(alike, accepted) {
  if (!alike.length) return part("Nearest accepted", accepted ? "nothing near" : "none yet")
  const list = make("ul", "alike")
  for (const item of alike) {
    const level = make("span", "level")
    level.style.setProperty("--share", Math.max(0, Math.min(1, item.similarity)))
    const entry = make("li", "", make("span", "similarity", item.similarity.toFixed(2)), level, make("div", "words", item.prompt))
    entry.title = item.response
    list.append(entry)
  }
  return part("Nearest accepted", "", list)
}

function suggestionsOf(suggestions) {
  if (!suggestions.length) return null
  return part("Suggestions", "", make("ul", "plain", ...suggestions.map((said) => make("li", "", said))))
}

function originOf(origin, id) {
  const rows = [
    ["source", origin.place ? `${origin.source.replaceAll("_", " ")}: ${origin.place}` : origin.source.replaceAll("_", " ")],
    ["title", origin.title], ["votes", origin.votes.join(", ")], ["tags", origin.tags.join(", ")], ["date", origin.date], ["license", origin.license],
    ["authors", origin.authors.map((author) => [author.name, author.role && `(${author.role})`].filter(Boolean).join(" ")).join(", ")],
    ["changed", origin.modified], ["id", id],
  ]
  const list = make("dl", "origin")
  for (const [name, value] of rows) if (value) list.append(make("dt", "", name), make("dd", "", value))
  if (origin.url) list.append(make("dt", "", "link"), make("dd", "", drawSource(origin.url, origin.url)))
  return part("Origin", "", list)
}

function noteOf(page) {
  const field = make("textarea", "note")
  field.value = page.note
  field.rows = 2
  field.placeholder = "For whoever reads the decision"
  field.dir = "auto"
  field.setAttribute("aria-label", "Note")
  field.oninput = () => page.noted(field.value)
  field.onblur = () => page.flushDraft()
  const head = make("h3", "", "Note")
  head.append(...drawKey("N"))
  return make("section", "part notes", head, field)
}

// ------------------------------------------------------------------------------------------------ the bar below, and what covers the page

function paintBar(bar, page) {
  bar.replaceChildren(...(page.choosing ? reasonButtons(page) : decisionButtons(page)))
}

function decisionButtons(page) {
  const edited = page.isEdited()
  const reading = page.mode === "read"
  const accept = edited ? "Save and accept" : "Accept"
  const reject = edited ? "Save and reject" : "Reject"
  return [
    press("accept", accept, reading ? ["A"] : ["Ctrl", "Enter"], () => page.run({ name: "accept" })),
    press("reject", reject, reading ? ["X"] : ["Alt", "X"], () => page.run({ name: "reject" })),
    press("", "Skip", reading ? ["S"] : [], () => page.run({ name: "skip" })),
    press("", "Flag", reading ? ["F"] : [], () => page.run({ name: "flag" })),
    make("span", "rule"),
    reading ? press("", "Edit", ["E"], () => page.run({ name: "edit" })) : press("", "Leave editor", ["Esc"], () => page.run({ name: "leave" })),
    press("", "Undo", reading ? ["U"] : [], () => page.run({ name: "undo" })),
    make("span", "grow"),
    press(page.data.guidelines.version > page.data.guidelines.read ? "fresh" : "quiet", page.data.guidelines.version > page.data.guidelines.read ? "New guidelines" : "Guidelines", reading ? ["G"] : [], () => page.run({ name: "guidelines" })),
    press("quiet", "Keys", reading ? ["?"] : [], () => page.run({ name: "legend" })),
  ]
}

function reasonButtons(page) {
  const buttons = page.data.reasons.slice(0, 9).map((reason, index) =>
    press("reason", reason, [String(index + 1)], () => page.run({ name: "reason", number: index + 1 })),
  )
  return [
    make("span", "ask", "Reject because"), ...buttons,
    press("reason", "no reason", ["Enter"], () => page.run({ name: "reason", number: 0 })),
    press("quiet", "Cancel", ["Esc"], () => page.run({ name: "leave" })),
  ]
}

function press(kind, words, keys, act) {
  const drawn = make("span", "keys", ...drawKey(...keys))
  drawn.setAttribute("aria-hidden", "true")
  const button = make("button", `press ${kind}`, make("span", "", words), drawn)
  if (keys.length) button.setAttribute("aria-keyshortcuts", keys.join("+").replace("Ctrl", "Control").replace("Esc", "Escape"))
  button.type = "button"
  button.tabIndex = 0
  // The focus goes back to the text, or else Enter and Space would press the button once more.
  button.onclick = () => {
    button.blur()
    act()
  }
  return button
}

function paintOver(over, what, page) {
  over.replaceChildren()
  over.hidden = !what
  if (!what) return
  const sheet = make("div", "sheet")
  sheet.setAttribute("role", "dialog")
  sheet.setAttribute("aria-modal", "true")
  sheet.setAttribute("aria-label", what === "legend" ? "Keys" : "Guidelines")
  if (what === "legend") {
    const list = make("dl", "legend")
    for (const [keys, words] of LEGEND) list.append(make("dt", "", ...drawKey(...keys.split(" "))), make("dd", "", words))
    sheet.append(make("h2", "", "Keys"), list)
  } else {
    const { guidelines } = page.data
    sheet.append(make("h2", "", "Guidelines", make("span", "aside", guidelines.version ? `version ${guidelines.version}` : "")))
    sheet.append(drawTree(guidelines.tree, make("div", "prose")))
    if (!guidelines.tree.length) sheet.append(make("p", "faint", "None are written yet; a lead writes them on the page Team."))
  }
  sheet.append(press("quiet", "Close", ["Esc"], () => page.run({ name: "leave" })))
  over.append(sheet)
  over.onclick = (event) => event.target === over && page.run({ name: "leave" })
}
