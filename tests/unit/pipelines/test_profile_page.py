import json
import re

from tunery.data.file import understand
from tunery.data.histogram import Histogram
from tunery.models.chat_template import ChatTemplate
from tunery.pipelines.profile import profile_file
from tunery.pipelines.profile_html import SHOWN_CHARACTERS, chart, profile_page, write_page
from tunery.testing.tiny_models import tiny_tokenizer

TEMPLATE = ChatTemplate(tiny_tokenizer(), [1])


def profile(folder, rows, **options):
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps({"messages": row}) + "\n" for row in rows))
    return profile_file(understand(path), TEMPLATE, 512, **options)


def turns(*pairs):
    return [{"role": role, "content": text} for role, text in pairs]


def labelled(number=30):
    return [turns(("user", f"Q{n}"), ("assistant", ["yes", "no"][n % 2])) for n in range(number)]


def test_the_page_has_figures_labels_and_rows_in_colour(tmp_path):
    page = profile_page(profile(tmp_path, labelled()), TEMPLATE, "tiny")
    assert "rows.jsonl" in page
    assert '<span class="trained control">&lt;|im_end|&gt;</span>' in page
    assert re.search(r'<span>yes</span><span class="count">15</span>', page)
    assert page.count("<svg") == 4


def test_the_page_loads_nothing_and_escapes_what_rows_hold(tmp_path):
    evil = "<script>alert(1)</script>"
    rows = [turns(("user", evil), ("assistant", evil)) for _ in range(12)]
    page = profile_page(profile(tmp_path, rows), TEMPLATE, evil)
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert not re.search(r'(src|href)="', page)


def test_long_context_is_folded_and_answers_are_not(tmp_path):
    long = "x" * (SHOWN_CHARACTERS * 2)
    page = profile_page(
        profile(tmp_path, [turns(("user", long), ("assistant", long))]), TEMPLATE, "m"
    )
    assert "characters …]" in page
    assert page.count(long) == 1


def test_a_sample_shows_its_intervals(tmp_path):
    page = profile_page(profile(tmp_path, labelled(), sample=10), TEMPLATE, "m")
    assert "What the sample says of all rows" in page
    assert "order statistics" in page


def test_tools_and_findings_have_tables(tmp_path):
    call = {"id": "1", "type": "function", "function": {"name": "weather_now", "arguments": "{}"}}
    rows = [
        [
            {"role": "user", "content": "Q"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
        ]
    ]
    page = profile_page(profile(tmp_path, rows), TEMPLATE, "m")
    assert "weather_now" in page
    assert "Calls by tool" in page
    assert "badge" in page


def test_the_file_is_written_whatever_it_holds(tmp_path):
    half = "cut \ud83d"
    made = profile(tmp_path, [turns(("user", "Q"), ("assistant", "A"))])
    out = tmp_path / "new" / "page.html"
    write_page(made, TEMPLATE, half, out)
    assert b"cut \\ud83d" in out.read_bytes()


def test_a_chart_is_drawn_to_scale():
    values = Histogram()
    for value, times in ((10, 1), (11, 4), (13, 2)):
        values.add(value, times)
    made = chart("Tokens", values)
    assert [round(bar.height) for bar in made.bars] == [38, 150, 0, 75]
    assert all(bar.y + bar.height == 150 for bar in made.bars)
    assert made.bars[1].title == "11: 4 rows"
    assert chart("Nothing", Histogram()) is None
