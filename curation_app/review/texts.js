// The dialogue itself: rendered, raw, as changes, or in the editor.

const LABELS = { user: "Prompt", assistant: "Response", system: "System", document: "Document" }

function paintTexts(main, page) {
  const { card, texts, mode } = page
  main.replaceChildren()
  card.roles.forEach((role, number) => {
    const turn = make("section", `turn ${role}`)
    turn.append(headOfTurn(page, role, number))
    turn.append(mode === "edit" ? editorOf(page, number) : readingOf(page, texts[number], number))
    main.append(turn)
  })
}

function headOfTurn(page, role, number) {
  const { card, texts } = page
  const again = card.roles.slice(0, number).includes(role) ? ` ${card.roles.slice(0, number + 1).filter((r) => r === role).length}` : ""
  const head = make("header", "head", make("h2", "", `${LABELS[role] || role}${again}`))
  if (number === firstPrompt(card) && Object.keys(card.prompts).length > 1) {
    const chosen = Object.keys(card.prompts).find((name) => card.prompts[name] === texts[number])
    head.append(choices(Object.keys(card.prompts), chosen, (name) => page.takePrompt(name), "T"))
    if (!chosen) head.append(make("span", "edited", "edited"))
  } else if (texts[number] !== card.texts[number]) head.append(make("span", "edited", "edited"))
  head.append(make("span", "grow"))
  if (number === card.roles.length - 1) {
    head.append(make("span", "count", wordsOf(page)))
    const views = page.isEdited() ? ["rendered", "raw", "changes"] : ["rendered", "raw"]
    if (page.mode === "read") head.append(choices(views, page.shownView(), (name) => page.setView(name), "R"))
  }
  return head
}

function wordsOf(page) {
  const { words } = page.live
  return `${words.toLocaleString("en")} word${words === 1 ? "" : "s"}`
}

function choices(names, chosen, choose, key) {
  const group = make("span", "choices")
  group.setAttribute("role", "group")
  for (const name of names) {
    const button = make("button", name === chosen ? "chosen" : "", name)
    button.type = "button"
    button.setAttribute("aria-pressed", String(name === chosen))
    button.onclick = () => choose(name)
    group.append(button)
  }
  group.append(...drawKey(key))
  return group
}

function readingOf(page, text, number) {
  const isCurrent = page.liveIsCurrent()
  const view = page.shownView()
  const pieces = isCurrent ? page.live.differences[number] : null
  if (view === "changes" && pieces && pieces.length) return drawDifference(pieces, make("div", "prose raw changes"))
  if (view === "raw" || (!isCurrent && text !== page.card.texts[number])) return make("div", "prose raw", text)
  const tree = isCurrent ? page.live.trees[number] : [["p", text]]
  return drawTree(tree, make("div", "prose"))
}

function editorOf(page, number) {
  const field = make("textarea", "editor")
  field.value = page.texts[number]
  field.dataset.turn = number
  field.spellcheck = true
  field.dir = "auto"
  field.setAttribute("aria-label", `Edit the ${(LABELS[page.card.roles[number]] || "text").toLowerCase()}`)
  field.oninput = () => {
    fit(field)
    page.typed(number, field.value)
  }
  field.onblur = () => page.flushDraft()
  const changes = make("div", "prose raw changes")
  changes.dataset.changes = number
  requestAnimationFrame(() => fit(field))
  return make("div", "editing", field, changes)
}

function fit(field) {
  field.style.height = "auto"
  field.style.height = `${field.scrollHeight + 2}px`
}

// A field that begins below the middle, or above the rim, is brought to the top with its heading.
function showField(main, field) {
  const below = field.getBoundingClientRect().top - main.getBoundingClientRect().top
  if (below < 0 || below > main.clientHeight / 2) field.closest(".turn").scrollIntoView({ block: "start" })
}

// What the edit changed so far, beside the editor, without touching the field.
function paintChanges(main, page) {
  const count = main.querySelector(".count")
  if (count) count.textContent = wordsOf(page)
  for (const into of main.querySelectorAll("[data-changes]")) {
    const number = Number(into.dataset.changes)
    const pieces = page.live.differences[number] || []
    into.replaceChildren()
    if (pieces.length) drawDifference(pieces, into)
    else into.append(make("span", "faint", page.texts[number] === page.card.texts[number] ? "No changes yet." : "…"))
  }
}

function firstPrompt(card) {
  return card.roles.indexOf("user")
}
