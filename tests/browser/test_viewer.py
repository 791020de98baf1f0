"""The page of a graph, in a real browser."""

import dataclasses
import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hostile_names import NAMES, graph_of
from PIL import Image
from playwright.sync_api import expect
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.graph import Edge, Graph, GraphNode
from autograd_cnn.viz.web.showing import frame

pytestmark = pytest.mark.slow


def _box(page, key):
    return page.locator(f'[data-key="{key}"]')


def _title(page):
    """Return the heading of the panel without its tag."""
    return page.locator("#panel h2").evaluate("element => element.firstChild.textContent")


def _long(count):
    """Return a graph of many operations in modules."""
    nodes = tuple(
        GraphNode(f"n{i}", "operation", "sin", (3,), "float32", f"block{i // 300}.layer{i // 20}") for i in range(count)
    )
    return Graph(nodes, tuple(Edge(f"n{i}", f"n{i + 1}", "x") for i in range(count - 1)))


# --- folding ----------------------------------------------------------------------------------


def test_a_click_on_the_triangle_folds_both_passes_and_unfolds_them_again(visit, net):
    page = visit(net)
    page.keyboard.press("0")
    wires = page.locator("#wires path").count()
    assert _box(page, "n3").is_visible()
    _box(page, "f1.forward").locator(".toggle").click()
    assert _box(page, "n3").count() == 0
    assert _box(page, "n40").count() == 0
    assert _box(page, "f1.forward").get_attribute("aria-expanded") == "false"
    assert _box(page, "f1.forward").locator("tspan").all_text_contents()[0] == "conv"
    assert 0 < page.locator("#wires path").count() < wires
    _box(page, "f1.backward").locator(".toggle").click()
    assert _box(page, "n3").is_visible()
    page.keyboard.press("0")
    assert page.locator("#wires path").count() == wires


def test_a_double_click_folds(visit, net):
    page = visit(net)
    _box(page, "f1.forward").dblclick(position={"x": 60, "y": 10})
    assert _box(page, "f1.forward").get_attribute("aria-expanded") == "false"


def test_a_fold_leaves_its_corner_where_it_was(visit, net):
    page = visit(net)
    before = _box(page, "f1.forward").bounding_box()
    _box(page, "f1.forward").locator(".toggle").click()
    after = _box(page, "f1.forward").bounding_box()
    assert (after["x"], after["y"]) == pytest.approx((before["x"], before["y"]), abs=3)


def test_all_can_be_folded_and_unfolded(visit, net):
    page = visit(net)
    page.get_by_role("button", name="Fold all", exact=True).click()
    assert page.locator(".frame").count() == 0
    page.get_by_role("button", name="Unfold all", exact=True).click()
    assert page.locator(".box.module").count() == 0
    assert page.locator(".box").count() == sum(node.kind != "constant" for node in net.nodes)


OVERLAPS = """() => {
  const at = (element) => element.firstChild.getBoundingClientRect();
  const boxes = [...document.querySelectorAll(".box")];
  const apart = (a, b) => a.right <= b.left + 0.5 || b.right <= a.left + 0.5 || a.bottom <= b.top + 0.5 || b.bottom <= a.top + 0.5;
  const found = [];
  boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b) => apart(at(a), at(b)) || found.push([a.dataset.key, b.dataset.key])));
  for (const box of boxes) {
    const [text, room] = [box.querySelector(".lines").getBoundingClientRect(), at(box)];
    if (text.left < room.left || text.right > room.right || text.top < room.top || text.bottom > room.bottom) found.push(box.dataset.key);
  }
  return found;
}"""


@pytest.mark.parametrize("folded", [[], [1], [2], [3], [4], [1, 3], [2, 3], [1, 2, 3]])
def test_no_boxes_overlap_and_all_texts_fit(visit, net, folded):
    page = visit(net)
    page.keyboard.press("o")
    for number in folded:
        if _box(page, f"f{number}.forward").count():
            _box(page, f"f{number}.forward").focus()
            page.keyboard.press("Enter")
    page.keyboard.press("0")
    assert page.evaluate(OVERLAPS) == []


# --- search -----------------------------------------------------------------------------------


def test_search_unfolds_what_it_finds(visit, net):
    page = visit(net)
    page.keyboard.press("c")
    page.keyboard.press("/")
    page.keyboard.type("scale tanh")
    assert page.locator("#found [role=option]").all_text_contents() == [
        "tanh n7 (2, 3, 8, 8) body.scale",
        "tanh_backward n33 (2, 3, 8, 8) body.scale",
    ]
    page.keyboard.press("Enter")
    assert _title(page) == "tanh"
    assert _box(page, "n7").evaluate("element => element === document.activeElement")
    assert page.locator("#found").is_hidden()


def test_search_goes_down_the_list(visit, net):
    page = visit(net)
    page.locator("#search").fill("weight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert _title(page) == "head.weight"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("relu", ["relu n4 (1, 2, 4, 4) act: ReLU", "relu n6 (1, 2, 2, 2) act #2: ReLU"]),
        ("MaxPool2d", ["max_pool n5 (1, 2, 2, 2) pool: MaxPool2d", "max_pool n7 (1, 2, 1, 1) pool #2: MaxPool2d"]),
        ("Conv2d module", ["conv: Conv2d module conv"]),
        ("conv module", ["conv: Conv2d module conv"]),
    ],
)
def test_search_finds_layers_by_name_and_by_class(visit, text, found):
    class Net(nn.Module):
        def __init__(self):
            self.conv, self.act, self.pool = nn.Conv2d(1, 2, 3, rng=0), nn.ReLU(), nn.MaxPool2d(2)

        def forward(self, x):
            return self.pool(self.act(self.pool(self.act(self.conv(x)))))

    net = Net()
    page = visit(ag.graph.capture(net(np.ones((1, 1, 6, 6), np.float32)).sum()))
    page.locator("#search").fill(text)
    assert page.locator("#found [role=option]").all_text_contents() == found
    page.keyboard.press("Enter")
    assert page.locator("#panel nav").inner_text() == found[0].rpartition(") ")[2].replace(" module conv", "")


def test_search_says_when_there_is_nothing(visit, net):
    page = visit(net)
    page.locator("#search").fill("no such thing")
    assert page.locator("#found").inner_text() == "nothing found"


# --- the panel --------------------------------------------------------------------------------


def test_a_click_shows_all_that_is_known_of_a_node(visit, net):
    page = visit(net)
    _box(page, "n4").click()
    panel = page.locator("#panel")
    assert _title(page) == "relu"
    assert panel.locator(".formula").inner_text() == "max(x, 0); the derivative at 0 counts as 0."
    facts = dict(zip(panel.locator("dt").all_text_contents(), panel.locator("dd").all_text_contents(), strict=True))
    assert (facts["shape"], facts["dtype"], facts["bytes"]) == ("(2, 3, 8, 8)", "float32", "1.54 kB")
    assert facts["saved"] == "384 B for the backward pass"
    assert panel.locator(".histogram").count() == 2
    assert panel.locator(".heat canvas").count() == 2
    assert "def relu_vjp_x" in panel.locator("pre").inner_text()
    assert "Fan-out: used 3 times; its gradient is the sum of what is sent back." in panel.inner_text()


def test_the_line_of_user_code_is_shown_where_the_tape_knows_it(visit):
    with ag.detect_anomaly():
        x = ag.tensor([1.0, 2.0], requires_grad=True)
        loss = (x * x).sum()
    graph = ag.graph.capture(loss)
    assert graph.nodes[1].origin in visit(graph, "#n1").locator("dd").all_text_contents()


def test_a_heat_map_shows_colours_and_reads_out_its_cells(visit):
    x = ag.tensor(np.array([[[[0.0, 1.0], [-1.0, 0.5]]]]), requires_grad=True, name="x")
    page = visit(ag.graph.capture(x.sum()), "#n0")
    canvas = page.locator(".heat canvas")
    bytes_ = canvas.evaluate("element => [...element.getContext('2d').getImageData(0, 0, 44, 44).data]")
    pixels = np.array(bytes_).reshape(44, 44, 4)[..., :3]
    assert pixels[[5, 5, 30], [5, 30, 5]].tolist() == [[255, 255, 255], [213, 94, 0], [0, 114, 178]]
    canvas.focus()
    for key, told in (("ArrowRight", "[0, 0, 0, 1] ≈ 1"), ("ArrowDown", "[0, 0, 1, 1] ≈ 0.5")):
        page.keyboard.press(key)
        assert page.locator("figcaption").inner_text() == told
    canvas.hover(position={"x": 5, "y": 30})
    assert page.locator("figcaption").inner_text() == "[0, 0, 1, 0] ≈ -1"


def test_the_panel_leads_from_node_to_node(visit, net):
    page = visit(net, "#n4")
    page.locator("#panel").get_by_role("button", name="x: correlate2d n3").click()
    assert _title(page) == "correlate2d"
    assert page.evaluate("location.hash") == "#n3"


def test_a_problem_is_red_and_said(visit, net):
    nodes = list(net.nodes)
    nodes[7] = dataclasses.replace(nodes[7], problem="its gradient is wrong")
    page = visit(Graph(tuple(nodes), net.edges), "#n7")
    assert "problem" in _box(page, "n7").get_attribute("class")
    assert page.get_by_role("alert").inner_text() == "its gradient is wrong"
    page.keyboard.press("c")
    assert "problem" in _box(page, "f2.forward").get_attribute("class")


def test_what_is_pointed_out_is_listed_and_the_page_opens_there(visit, net):
    page = visit(net, highlight={"n3": {(1, 2, 0, 7): 0.25, (0, 0, 0, 0): -2.0}})
    assert _title(page) == "correlate2d"
    assert page.locator("#panel td").all_text_contents() == ["[1, 2, 0, 7]", "0.25", "[0, 0, 0, 0]", "-2"]


# --- steps ------------------------------------------------------------------------------------


def test_keys_step_on_and_back(visit, net):
    page = visit(net)
    page.keyboard.press("Home")
    step = page.locator("#step")
    assert step.inner_text() == "Step 0 of 38: nothing has been computed"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert step.inner_text() == "Step 2 of 38, forward: relu (n4) · saves 384 B · 896 B kept for the backward pass"
    assert "now" in _box(page, "n4").get_attribute("class")
    assert page.locator("[aria-current=step].box").evaluate_all("them => them.map(each => each.dataset.key)") == ["n4"]
    assert page.locator(".wire.now").count() == 2  # out of the convolution's module, and on
    assert "waiting" in _box(page, "n7").get_attribute("class")
    assert "waiting" not in _box(page, "n3").get_attribute("class")
    page.keyboard.press("ArrowLeft")
    assert "now" in _box(page, "n3").get_attribute("class")
    page.keyboard.press("Escape")
    assert page.locator(".now, .waiting").count() == 0


def test_the_backward_pass_frees_what_was_kept(visit, net):
    page = visit(net, "#@22")
    assert page.locator("#step").inner_text() == (
        "Step 22 of 38, backward: matmul (n29) · frees 1.54 kB of matmul · 3.97 kB kept for the backward pass"
    )
    assert "freed" in _box(page, "n13").get_attribute("class")
    assert "freed" not in _box(page, "n4").get_attribute("class")
    page.keyboard.press("End")
    assert page.locator("#step").inner_text().endswith("0 B kept for the backward pass")


def test_partial_sums_are_counted_at_a_fan_out(visit, net):
    page = visit(net, "#n32@25")
    assert "add (n32) · 2 of 3 contributions to ∂ relu" in page.locator("#step").inner_text()
    assert _box(page, "n32").locator(".badge").text_content() == "2/3"
    page.keyboard.press("/")
    page.keyboard.type("n35")
    page.keyboard.press("Enter")
    assert page.locator(".sum").inner_text() == "Partial sum: 3 of 3 contributions to the gradient of relu (n4)"


def test_the_slider_steps(visit, net):
    page = visit(net)
    page.get_by_role("slider").fill("3")
    assert page.locator("#step").inner_text().startswith("Step 3 of 38, forward: multiply (n6)")


def test_a_folded_module_lights_up_for_what_fires_inside(visit, net):
    page = visit(net)
    page.keyboard.press("Home")
    page.keyboard.press("c")
    page.keyboard.press("ArrowRight")
    assert "now" in _box(page, "f1.forward").get_attribute("class")
    assert _title(page) == "correlate2d"
    _box(page, "f1.forward").locator(".toggle").click()
    assert "now" in _box(page, "n3").get_attribute("class")


BESIDE = """() => {
  const missing = [];
  const seen = document.getElementById("canvas").getBoundingClientRect();
  const inside = ({ left, right, top, bottom }) =>
    left >= seen.left && right <= seen.right && top >= seen.top && bottom <= seen.bottom;
  for (let step = 1; step <= 38; step++) {
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
    const boxes = [...document.querySelectorAll(".box")].filter((box) => inside(box.getBoundingClientRect()));
    const passes = new Set(boxes.map((box) => box.getAttribute("aria-label").includes("forward pass")));
    if (passes.size < 2 || !boxes.some((box) => box.matches(".now"))) missing.push(step);
  }
  return missing;
}"""


@for_each("width, height", [(1400, 900), (900, 500), (390, 844)])
def test_both_passes_stay_in_view_at_every_step(visit, net, width, height):
    page = visit(net)
    page.set_viewport_size({"width": width, "height": height})
    page.keyboard.press("Home")
    assert page.evaluate(BESIDE) == []


def test_what_is_kept_is_a_curve_whose_peak_leads_to_its_step(visit, net):
    page = visit(net)
    curve = page.get_by_role(
        "img", name="Kept for the backward pass after each step; at most 5.62 kB at getitem, step 11"
    )
    page.get_by_role("button", name="kept: at most 5.62 kB at getitem").click()
    assert page.locator("#step").inner_text() == (
        "Step 11 of 38, forward: getitem (n15) · saves 32 B · 5.62 kB kept for the backward pass"
    )
    bounds = curve.bounding_box()
    page.mouse.click(bounds["x"] + bounds["width"] * 5 / 38, bounds["y"] + 10)
    assert page.locator("#step").inner_text().startswith("Step 5 of 38")
    x = ag.tensor(np.ones(4), requires_grad=True)
    assert visit(ag.graph.capture((x + x).sum())).locator("#memory").is_hidden()
    before, after = (ag.graph.capture(function(x * x).sum()) for function in (ag.exp, ag.relu))
    page = visit(ag.graph.difference(before, after).graph)  # what was removed keeps nothing
    assert page.locator("#peak").inner_text() == "kept: at most 4 B at relu"


def test_playing_goes_on_by_itself(visit, net):
    page = visit(net)
    page.get_by_role("button", name="Play").click()
    expect(page.locator("#step")).to_contain_text("Step 2 of 38")
    page.get_by_role("button", name="Pause").click()
    assert page.get_by_role("button", name="Play").is_visible()


# --- addresses --------------------------------------------------------------------------------


def test_an_address_leads_to_a_node_and_a_step(visit, net):
    page = visit(net, "#n7@5")
    assert _title(page) == "tanh"
    assert page.locator("#step").inner_text().startswith("Step 5 of 38")
    page.evaluate("location.hash = '#n3'")
    expect(page.locator("#panel h2")).to_contain_text("correlate2d")


def test_the_address_follows(visit, net):
    page = visit(net)
    _box(page, "n3").click()
    assert page.evaluate("location.hash") == "#n3"
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("location.hash") == "#n3@1"


def test_an_address_has_the_colours_and_what_is_searched(visit, net):
    page = visit(net, "#n7@5&color=flops&search=conv+2d")
    assert page.locator("#coloring").input_value() == "flops"
    assert page.locator("#search").input_value() == "conv 2d"
    assert page.evaluate("location.hash") == "#n7@5&color=flops&search=conv+2d"
    page.locator("#coloring").select_option("bytes")
    page.locator("#search").fill("8×8 & <b>")
    assert page.evaluate("location.hash") == "#n7@5&color=bytes&search=8%C3%978+%26+%3Cb%3E"
    page.keyboard.press("Escape")
    page.locator("#coloring").select_option("")
    assert page.evaluate("location.hash") == "#n7@5"
    page = visit(net, "#n3&color=", color="flops")
    assert page.locator("#coloring").input_value() == ""
    assert page.evaluate("location.hash") == "#n3&color="


@pytest.mark.parametrize("place", ["#n999", "#nonsense", "#%", "#@999", "#n3&color=nonsense&search=%"])
def test_an_address_that_leads_nowhere_does_no_harm(visit, net, place):
    assert visit(net, place).locator(".box").count() > 0


def test_a_page_works_inside_of_a_notebooks_page(chromium, net, tmp_path):
    text = net.to_html(tmp_path / "net.html").read_text("utf-8")
    tab, said = chromium.new_page(), []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.set_content(f"<h1>Notebook</h1><p hidden>{frame(text, title='graph', height=600)}</p>")
    page = tab.frame_locator("iframe")
    page.locator("#panel h2").wait_for(state="attached")
    tab.evaluate("document.querySelector('p').hidden = false")
    expect(page.locator("#view")).to_have_attribute("transform", re.compile(r"scale\(0\.[5-9]"))
    page.locator('[data-key="n3"]').click()
    expect(page.locator("#panel h2")).to_contain_text("correlate2d")
    page.get_by_role("button", name="Step on").click()
    expect(page.locator("#step")).to_contain_text("Step 1 of 38")
    with tab.expect_download():
        page.get_by_role("button", name="PNG").click()
    tab.close()
    assert said == []


# --- keys, colours, safety, size --------------------------------------------------------------


def test_the_keyboard_suffices(visit, net):
    page = visit(net)
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.key"):
            break
    assert page.evaluate("document.activeElement.dataset.key") is not None
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    assert _title(page) == "correlate2d"
    page.keyboard.press("ArrowUp")
    assert page.evaluate("location.hash") == "#n0"
    page.keyboard.press("?")
    assert page.get_by_role("dialog").is_visible()
    page.keyboard.press("Escape")
    assert page.get_by_role("dialog").is_hidden()


def test_the_mouse_pans_and_zooms(visit, net):
    page = visit(net)
    before = _box(page, "n3").bounding_box()
    page.mouse.move(500, 60)
    page.mouse.down()
    page.mouse.move(540, 90, steps=4)
    page.mouse.up()
    moved = _box(page, "n3").bounding_box()
    assert (moved["x"] - before["x"], moved["y"] - before["y"]) == pytest.approx((40, 30), abs=1)
    before_zoom = page.locator("#view").get_attribute("transform")
    page.mouse.wheel(0, -300)
    expect(page.locator("#view")).not_to_have_attribute("transform", before_zoom)
    assert _box(page, "n3").bounding_box()["width"] > moved["width"]


def test_a_large_scene_has_a_map_that_leads_anywhere(visit):
    page = visit(_long(3000))
    page.keyboard.press("o")
    page.keyboard.press("0")
    assert page.locator("#minimap").is_hidden()
    page.locator("#search").fill("n1500")
    page.keyboard.press("Enter")
    bounds = page.locator("#minimap").bounding_box()
    page.mouse.click(bounds["x"] + bounds["width"] / 2, bounds["y"] + 4)
    assert _box(page, "n1500").count() == 0
    shown = page.locator(".box").evaluate_all("boxes => boxes.map(box => Number(box.dataset.key.slice(1)))")
    assert max(shown) < 150


def test_what_is_in_view_can_be_saved(visit, net):
    page = visit(net, "#n4")
    page.keyboard.press("0")
    with page.expect_download() as download:
        page.get_by_role("button", name="SVG").click()
    root = ET.parse(download.value.path()).getroot()  # noqa: S314  # made here
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert tags == {"svg", "defs", "marker", "rect", "g", "path", "text", "tspan"}
    names = {name for element in root.iter() for name in element.attrib}
    assert not names & {"class", "style", "role", "tabindex", "data-key"}
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}tspan")]
    assert texts == page.locator(".box tspan").all_text_contents()
    with page.expect_download() as download:
        page.get_by_role("button", name="PNG").click()
    assert download.value.suggested_filename == "net.png"
    size = page.locator("#canvas").bounding_box()
    with Image.open(download.value.path()) as image:
        assert image.size == pytest.approx((2 * size["width"], 2 * size["height"]), abs=2)
        assert len(image.convert("RGB").getcolors(10**6)) > 20
    page.keyboard.press("+")
    with page.expect_download() as download:
        page.get_by_role("button", name="SVG").click()
    assert download.value.path().stat().st_size < 0.9 * len(ET.tostring(root))  # what is out of view is not in it


def test_what_is_saved_says_what_its_colours_mean(visit, net):
    page = visit(net, color="bytes")
    page.keyboard.press("0")
    with page.expect_download() as download:
        page.get_by_role("button", name="SVG").click()
    root = ET.parse(download.value.path()).getroot()  # noqa: S314  # made here
    legend = list(root)[-1]
    entries = page.locator("#legend li").all_text_contents()
    assert ["".join(text.itertext()) for text in legend if text.tag.endswith("text")] == [
        "saved for the backward pass", *entries
    ]  # fmt: skip
    fills = [rect.get("fill") for rect in legend if rect.tag.endswith("rect")]
    assert len(set(fills)) == len(entries)
    view = page.locator("#canvas").bounding_box()["height"]
    assert float(root.get("height")) - view == pytest.approx(20, abs=1)


def test_a_small_screen_shows_all_tools(visit, net):
    page = visit(net)
    page.set_viewport_size({"width": 390, "height": 844})
    for tool in page.locator("header button, header select").all():
        box = tool.bounding_box()
        assert 0 <= box["x"] < box["x"] + box["width"] <= 390


def test_the_outline_says_in_words_what_the_picture_shows(visit, net):
    page = visit(net)
    assert page.locator("#panel .outline > li").count() == 20
    page.locator("summary", has_text="conv").click()
    page.get_by_role("button", name="correlate2d (2, 3, 8, 8), operation, forward pass").click()
    assert page.evaluate("location.hash") == "#n3"
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Show body").click()
    assert _title(page) == "body"
    label = _box(page, "f2.forward").get_attribute("aria-label")
    assert label == "body: module body, forward pass, 13 nodes"
    assert (
        _box(page, "n3").get_attribute("aria-label") == "correlate2d, padding=1, (2, 3, 8, 8): operation, forward pass"
    )


@for_each("width, height", [(1400, 900), (390, 844), (844, 390)])
def test_nothing_is_beyond_the_edges_of_the_screen(visit, net, width, height):
    page = visit(net, "#n4@5")
    page.set_viewport_size({"width": width, "height": height})
    for element in ("header", "#canvas", "#panel", "footer", "#step"):
        box = page.locator(element).bounding_box()
        assert box["x"] >= 0, element
        assert box["x"] + box["width"] <= width, element
        assert 0 <= box["y"] < box["y"] + box["height"] <= height, element
    assert page.locator("#canvas").bounding_box()["height"] > height / 4


def test_what_is_printed_is_the_picture_and_the_panel_on_white(visit, net):
    page = visit(net, "#n4", scheme="dark")
    paper = page.pdf(print_background=True)
    assert paper.count(b"/Type /Page\n") in {1, 2}
    page.emulate_media(media="print")
    assert page.locator("header, footer, #minimap").evaluate_all("them => them.every(each => !each.checkVisibility())")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    pixel = "element => [...element.getContext('2d').getImageData(3, 3, 1, 1).data]"
    assert min(page.locator(".heat canvas").first.evaluate(pixel)) > 100


@pytest.mark.parametrize(("scheme", "paper"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(20, 23, 28)")])
def test_colours_follow_the_system(visit, net, scheme, paper):
    page = visit(net, scheme=scheme)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == paper


EVERYWHERE = """count => {
  const seen = new Set();
  for (let i = 1; i < count; i += 2) {
    history.replaceState(null, "", `#n${i}`);
    window.dispatchEvent(new Event("hashchange"));
    const title = document.querySelector("#panel h2").firstChild.textContent;
    const found = [typeof window.hacked, document.images.length, document.scripts.length, document.forms.length, document.links.length];
    seen.add(found.join());
    const turned = /[\\u202a-\\u202e\\u2066-\\u2069\\0\\x1b]/;
    if (["panel", "step", "view"].some((id) => turned.test(document.getElementById(id).textContent))) seen.add(title);
  }
  return [...seen];
}"""


def test_hostile_names_stay_text(visit):
    page = visit(graph_of(NAMES))
    page.keyboard.press("o")
    assert page.evaluate(EVERYWHERE, 2 * len(NAMES)) == ["undefined,0,2,0,0"]
    script = f"n{2 * NAMES.index('<script>alert(1)</script>')}"
    page.locator("#search").fill(f"alert script {script}")
    page.keyboard.press("Enter")
    assert _title(page) == "<script>alert(1)</script>"
    with page.expect_download() as download:
        page.get_by_role("button", name="SVG").click()
    assert "<script>alert(1)</script>" in "".join(ET.parse(download.value.path()).getroot().itertext())  # noqa: S314


@pytest.mark.parametrize("name", ["constructor", "__proto__", "toString"])
def test_an_operation_may_be_called_anything(visit, name):
    nodes = (GraphNode("n0", "operation", name, (), "float64"), GraphNode("n1", "operation", name, (), "float64", name))
    page = visit(Graph(nodes, (Edge("n0", "n1"),)), "#n0")
    assert _title(page) == name


def test_thousands_of_nodes_are_painted_and_only_readable_ones_become_elements(visit):
    page = visit(_long(3000))
    page.keyboard.press("o")
    page.keyboard.press("0")
    assert page.locator("#easel").is_visible()
    assert page.locator("#view *").count() < 100
    page.locator("#search").fill("n1500")
    page.keyboard.press("Enter")
    assert _box(page, "n1500").is_visible()
    assert page.locator("#easel").is_hidden()
    assert page.locator(".box").count() < 500


def test_a_click_finds_what_was_painted(visit):
    page = visit(_long(3000))
    page.keyboard.press("o")
    page.keyboard.press("0")
    bounds = page.locator("#canvas").bounding_box()
    page.mouse.click(bounds["x"] + bounds["width"] / 2, bounds["y"] + bounds["height"] / 2)
    assert page.evaluate("location.hash") != "" or _title(page) != "Computation graph"


# --- colours by a quantity --------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_boxes_are_coloured_by_what_is_picked(visit, net, scheme):
    page = visit(net, scheme=scheme, color="flops")
    assert page.locator("#coloring").input_value() == "flops"
    expect(page.locator("#legend h2")).to_have_text("arithmetic")
    expect(page.locator("#panel h3").first).to_have_text("Outlines")
    shown = {
        key: (shade, page.locator(f'[data-key="{key}"] > rect').first.evaluate("e => getComputedStyle(e).fill"))
        for key in ("n1", "n3", "n4")
        if (shade := _box(page, key).get_attribute("data-shade"))
    }
    assert [shade for shade, _ in shown.values()] == ["none", "1", "unknown"]
    assert len({fill for _, fill in shown.values()}) == 2
    page.locator("#legend svg rect").first.click()
    assert _box(page, "n3").get_attribute("class").split().count("selected") == 1
    page.keyboard.press("Escape")
    page.locator("#coloring").select_option("")
    expect(page.locator("#panel h3").first).to_have_text("Colours")
    expect(page.locator("#legend")).to_be_hidden()
    assert _box(page, "n3").get_attribute("data-shade") is None


def test_a_click_on_an_element_says_why_and_a_term_shows_its_factors(visit):
    x = ag.tensor(np.arange(16.0).reshape(4, 4), requires_grad=True, name="x")
    w = ag.tensor([[1.0, -2.0], [0.5, 3.0]], requires_grad=True, name="w")
    loss = (ag.correlate2d(x, w) ** 2).sum()

    class _Explained:
        def to_html(self, path, **_):
            return ag.explanations.to_html(loss, path)

    expect(visit(_Explained()).locator("#panel")).to_contain_text("This page knows why: click a value")
    page = visit(_Explained(), "#n1")
    assert page.locator("#panel h2").text_content().startswith("w")
    expect(page.locator(".why")).to_contain_text("Click a cell")
    page.locator("#panel .answers canvas").click(position={"x": 3, "y": 3})
    loss.backward(create_graph=True)
    why = ag.explain(w.grad, (0, 0))
    expect(page.locator(".why .asked")).to_have_text(str(why).splitlines()[0])
    rows = page.locator(".why li").all_text_contents()
    assert [float(row.split(" = ")[0]) for row in rows] == pytest.approx(
        sorted((term.value for term in why.terms), key=lambda value: -abs(value)), rel=1e-5
    )
    assert page.locator(".operands figure").count() == 2
    before = page.locator(".operands canvas").first.evaluate("canvas => canvas.toDataURL()")
    page.locator(".why li").first.hover()
    assert page.locator(".operands canvas").first.evaluate("canvas => canvas.toDataURL()") != before
