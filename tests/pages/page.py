#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What the tests of pages ask of them. Prints what is wrong, and fails then.

page.py self-contained PAGE       well-formed, and nothing in it is fetched or run
page.py figures DOM TRUTH         the figures of a page are those of `sample-report CASE truth`
page.py charts PAGE JSON          lines and tables of charts are the points of the JSON
page.py names DOM                 what tried to be markup is text
page.py fits DOM WIDTH            nothing is wider than the window (see measuring copies)
page.py measuring PAGE WIDTH      another page with it in a frame, and a script that measures that
page.py requests NETLOG           what was asked of the network, a URL a line
page.py picture PNG light|dark    there is something to see, on ground of that kind
"""
import html.parser
import json
import re
import struct
import sys
import xml.etree.ElementTree as ET
import zlib

XHTML = "{http://www.w3.org/1999/xhtml}"
SVG = "{http://www.w3.org/2000/svg}"
ELEMENTS = set("""html head meta title style body header main section article h1 h2 h3 p br dl div dt dd
    ul li a data span i code table thead tbody tr th td details summary figure figcaption
    svg g desc defs pattern rect line path circle text""".split())


def local(tag):
    return tag.rsplit("}", 1)[-1]


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def self_contained(path):
    wrong = []
    tree = ET.fromstring(read(path))
    policy = [e.get("content") for e in tree.iter(XHTML + "meta") if e.get("http-equiv")]
    if not policy or not policy[0].startswith("default-src 'none'"):
        wrong.append(f"policy: {policy}")
    for element in tree.iter():
        name = local(element.tag)
        if name not in ELEMENTS:
            wrong.append(f"element {name}")
        for attribute, value in element.attrib.items():
            if attribute.startswith("on") or attribute == "style":
                wrong.append(f"attribute {attribute} of {name}")
            if attribute in ("src", "srcset", "data", "action", "poster") or (
                    local(attribute) == "href" and not value.startswith("#")):
                wrong.append(f"{attribute}={value} of {name}")
            if "url(" in value and not value.startswith("url(#"):
                wrong.append(f"{attribute}={value} of {name}")
        if name == "style" and re.search(r"url\(|@import|expression", element.text):
            wrong.append("the style sheet fetches something")
    ids = [e.get("id") for e in tree.iter() if e.get("id")]
    wrong += [f"id {i} twice" for i in set(ids) if ids.count(i) > 1]
    for element in tree.iter():
        for attribute in ("href", "aria-labelledby"):
            wrong += [f"no id {i}" for i in (element.get(attribute) or "").replace("#", "").split()
                      if i not in ids]
        if local(element.tag) == "th" and not element.get("scope"):
            wrong.append("th without scope")
        if element.get("role") == "img" and not (element.find(SVG + "title").text
                                                  and element.find(SVG + "desc").text):
            wrong.append("picture without title and desc")
    return wrong


class Dom(html.parser.HTMLParser):
    """What a browser made of a page: its elements, figures and text."""

    def __init__(self, path):
        super().__init__()
        self.elements, self.figures, self.words, self.attributes = [], {}, [], []
        self.figure = None
        self.raw = False
        self.feed(read(path))

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.elements.append(tag)
        self.attributes += attrs
        self.raw = tag == "style"
        if tag == "data":
            self.figure = attrs["id"].removeprefix("figure-")
            self.figures[self.figure] = [int(attrs["value"]), ""]
        for name in attrs:
            if name.startswith("data-measured-"):
                self.figures[name] = attrs[name]

    def handle_endtag(self, tag):
        self.raw = False
        if tag == "data":
            self.figure = None

    def handle_data(self, data):
        if self.figure:
            self.figures[self.figure][1] += data
        if not self.raw:
            self.words.append(data)


def figures(dom_path, truth_path):
    wrong = []
    have = Dom(dom_path).figures
    truth = dict(line.split() for line in read(truth_path).splitlines())
    for name, (value, shown) in have.items():
        if shown == "-":
            value_shown = 0
        else:
            value_shown = int(shown.removeprefix(">=").replace(",", ""))
        if value != int(truth[name]) or value_shown != value:
            wrong.append(f"{name}: {value}, shown as {shown}, and it is {truth[name]}")
    if "deprecated" not in have:
        wrong.append(f"figures: {have}")
    return wrong


def number(element):
    return int("".join(element.itertext()).replace(",", ""))


def text_of(element):
    return "".join(element.itertext())


def check_table(figure, key, points, wrong):
    """The folded table of a chart against the points; returns its rows of numbers."""
    table = figure.find(f".//{XHTML}details//{XHTML}table")
    heads = [text_of(th) for th in table.iter(XHTML + "th") if th.get("scope") == "col"][1:]
    sums = [0] * len(heads)
    rows = []
    for tr in table.find(XHTML + "tbody"):
        cells = tr.findall(XHTML + "td")
        if cells[0].get("colspan"):
            rows.append(None)
            continue
        rows.append([number(td) for td in cells])
        sums = [a + b for a, b in zip(sums, rows[-1])]
    # (kfunc, who calls it); None: all of them.
    named = [(p["kfunc"], p["program"] or p["caller"], p["calls"]) for p in points]
    own = (key == "kfunc", key == "program")
    if own not in {(k is not None, c is not None) for k, c, n in named if n}:
        own = (True, True)
    wanted = {}
    for kfunc, caller, calls in named:
        if (kfunc is not None, caller is not None) == own and calls:
            name = kfunc if key == "kfunc" else caller
            wanted[name] = wanted.get(name, 0) + calls
    best = sorted(wanted.values(), reverse=True)[:len(heads) - 1]
    if sums[:-1] != best or any(wanted[h] != s for h, s in zip(heads[:-1], sums)):
        wrong.append(f"{key}: table {dict(zip(heads, sums))}, points {wanted}")
    return rows


def check_lines(svg, rows, wrong):
    """Lines of a picture against the table: where its grid says that the values are."""
    units = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9}
    grid = svg.find(f"{SVG}g[@class='grid']")
    marks = [re.fullmatch(r"([\d.]+)([kMG]?)", t.text) for t in grid.iter(SVG + "text")]
    values = [float(m[1]) * units[m[2]] for m in marks if m]
    ys = [float(line.get("y1")) for line in grid.iter(SVG + "line")]
    for group in svg.iter(SVG + "g"):
        match = re.fullmatch(r"line s(\d)", group.get("class") or "")
        if not match:
            continue
        column = int(match[1]) - 1
        known = [row[column] for row in rows if row]
        drawn = [float(y) for _, y in re.findall(r"[ML]([\d.]+) ([\d.]+)", group.find(SVG + "path").get("d"))]
        if len(drawn) not in (len(known), len(known) - 1) or not drawn:
            wrong.append(f"line {column}: {len(drawn)} of {len(known)} points are drawn")
        for y, value in zip(drawn, known):
            shown = values[0] + (values[-1] - values[0]) * (ys[0] - y) / (ys[0] - ys[-1])
            if abs(shown - value) > 0.002 * values[-1]:
                wrong.append(f"line {column}: {value} is drawn at {shown}")
                break


def charts(page_path, json_path):
    wrong = []
    page = ET.fromstring(read(page_path))
    points = json.loads(read(json_path))["points"] or []
    for key in ("program", "kfunc"):
        figure = page.find(f".//{XHTML}figure[@id='over-time-{key}']")
        if figure is None:
            if points:
                wrong.append(f"no chart by {key}")
            continue
        rows = check_table(figure, key, points, wrong)
        pictures = [svg for svg in figure.iter(SVG + "svg") if "chart" in svg.get("class")]
        if len(pictures) != 2:
            wrong.append(f"{len(pictures)} charts by {key}")
        for svg in pictures:
            check_lines(svg, rows, wrong)
    return wrong


def names(dom_path):
    dom = Dom(dom_path)
    words = "".join(dom.words)
    wrong = [f"element {e}" for e in set(dom.elements) - ELEMENTS]
    wrong += [f"attribute {a}" for a in dom.attributes if a.startswith("on")]
    wrong += [f"no text {t}" for t in ("<script>alert(1)</script>", "\"' onload=alert(2) x='",
                                      "<img src=x onerror=alert(3)>", "&amp;<svg onload=alert(6)>",
                                      "]]></style><script>alert(5)</script>", "<!-- ")
              if t not in words]
    wrong += [f"control character {c!r}" for c in words if ord(c) < 32 and c not in "\n\t"]
    return wrong


def measuring(path, width):
    # In a frame, because a window is 500 wide at least. Boxes that scroll by themselves may hold
    # what is wider.
    page = re.sub(r"<meta http-equiv=[^>]*>", "", read(path))
    print(f"""<!DOCTYPE html><body><iframe style="border: 0" width="{width}" height="800"
        srcdoc="{html.escape(page)}"></iframe><script>
    onload = () => {{
        let frame = document.querySelector('iframe'), doc = frame.contentDocument;
        let width = frame.contentWindow.innerWidth;
        let wide = [...doc.querySelectorAll('body *')].filter(e =>
            !e.closest('svg') && !e.closest('.scroll') && e.getBoundingClientRect().right > width + 1);
        let scrolling = [...doc.querySelectorAll('.rows')].filter(e => e.scrollWidth > e.clientWidth);
        document.body.setAttribute('data-measured-width', width);
        document.body.setAttribute('data-measured-needed', doc.documentElement.scrollWidth);
        document.body.setAttribute('data-measured-wide',
            wide.map(e => e.tagName + e.className).join(' '));
        document.body.setAttribute('data-measured-scrolling', scrolling.length);
        frame.remove();
    }}
    </script></body>""")
    return []


def fits(dom_path, width):
    measured = Dom(dom_path).figures
    wrong = []
    if measured.get("data-measured-width") != width:
        wrong.append(f"the window is {measured.get('data-measured-width')} wide, not {width}")
    if int(measured.get("data-measured-needed", 1e9)) > int(width):
        wrong.append(f"the page is {measured['data-measured-needed']} wide")
    if measured.get("data-measured-wide"):
        wrong.append(f"wider than the window: {measured['data-measured-wide']}")
    if measured.get("data-measured-scrolling") != "0":
        wrong.append(f"tables that do not stack: {measured['data-measured-scrolling']}")
    return wrong


def requests(path):
    log = read(path).rstrip().rstrip(",")
    try:
        log = json.loads(log)
    except json.JSONDecodeError:
        # Cut short when the browser ended.
        log = json.loads(log + "]}")
    types = {v: k for k, v in log["constants"]["logEventTypes"].items()}
    urls = {event["params"]["url"] for event in log["events"]
            if types[event["type"]] in ("URL_REQUEST_START_JOB", "CORS_REQUEST")
            # The browser's own ones have no origin.
            and event.get("params", {}).get("initiator", "not an origin") != "not an origin"
            and "url" in event["params"]}
    for url in sorted(urls):
        if not re.match(r"(file|data|chrome[a-z-]*|devtools|about|blob):", url):
            print(url)
    return []


def pixels(path):
    """Rows of (r, g, b) of a PNG of 8 bits a channel."""
    with open(path, "rb") as file:
        data = file.read()
    at, packed = 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", body[:10])
        elif kind == b"IDAT":
            packed += body
        at += 12 + length
    size = {2: 3, 6: 4}[colour]
    assert depth == 8
    raw, stride = zlib.decompress(packed), width * size
    last = bytearray(stride)
    for y in range(height):
        kind = raw[y * (stride + 1)]
        row = bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for x in range(stride):
            left = row[x - size] if x >= size else 0
            corner = last[x - size] if x >= size else 0
            if kind == 1:
                add = left
            elif kind == 2:
                add = last[x]
            elif kind == 3:
                add = (left + last[x]) // 2
            elif kind == 4:
                guess = left + last[x] - corner
                add = min((abs(guess - left), 0, left), (abs(guess - last[x]), 1, last[x]),
                          (abs(guess - corner), 2, corner))[2]
            else:
                add = 0
            row[x] = (row[x] + add) & 255
        last = row
        yield [tuple(row[i:i + 3]) for i in range(0, stride, size)]


def picture(path, kind):
    counts = {}
    for row in pixels(path):
        for pixel in row:
            counts[pixel] = counts.get(pixel, 0) + 1
    ground = max(counts, key=counts.get)
    rest = 1 - counts[ground] / sum(counts.values())
    # Blue, green and the like: the lines of charts.
    coloured = sum(n for p, n in counts.items() if max(p) - min(p) > 60)
    wrong = []
    if (min(ground) < 230) if kind == "light" else (max(ground) > 60):
        wrong.append(f"ground {ground}")
    if rest < 0.02 or len(counts) < 50:
        wrong.append(f"{len(counts)} colours, {rest:.3f} is not ground")
    if coloured < 500:
        wrong.append(f"{coloured} coloured pixels")
    return wrong


commands = {"self-contained": self_contained, "figures": figures, "charts": charts, "names": names,
            "measuring": measuring, "fits": fits, "requests": requests, "picture": picture}
problems = commands[sys.argv[1]](*sys.argv[2:])
for problem in problems[:10]:
    print(problem)
sys.exit(1 if problems else 0)
