// Text from dumps becomes text nodes, never HTML: nothing of it can run, load or be clicked.

const ELEMENTS = new Set(
  ("p h1 h2 h3 h4 h5 h6 ul ol li pre code blockquote em strong del table thead tbody tr th td hr br mark").split(" "),
)

// Each takes the direction of its own first letter, so that Arabic and English may follow each other.
const DIRECTED = new Set("p h1 h2 h3 h4 h5 h6 ul ol blockquote th td".split(" "))

function make(name, className, ...children) {
  const element = document.createElement(name)
  if (className) element.className = className
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""))
  return element
}

function drawTree(nodes, into) {
  for (const node of nodes) {
    if (typeof node === "string") {
      into.append(node)
      continue
    }
    const [name, ...rest] = node
    const element = ELEMENTS.has(name) ? document.createElement(name) : make("span", name === "formula" ? "formula" : "address")
    if (DIRECTED.has(name)) element.dir = "auto"
    if (rest.length && typeof rest[0] === "object" && !Array.isArray(rest[0])) {
      const start = Number(rest.shift().start)
      if (name === "ol" && Number.isInteger(start)) element.start = start
    }
    drawTree(rest, element)
    into.append(name === "table" ? make("div", "wide", element) : element)
  }
  return into
}

function drawDifference(pieces, into) {
  const names = { same: "span", gone: "del", new: "ins" }
  for (const [change, text] of pieces) into.append(make(names[change] || "span", "", text))
  return into
}

function drawKey(...keys) {
  return keys.map((key) => make("kbd", "", key))
}

// The only link of the page: where the example came from.
function drawSource(url, words) {
  if (!/^https?:\/\//i.test(url)) return make("span", "", words)
  const link = make("a", "", words)
  link.href = url
  link.target = "_blank"
  link.rel = "noopener noreferrer"
  link.referrerPolicy = "no-referrer"
  return link
}
