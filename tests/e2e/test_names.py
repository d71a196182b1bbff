"""What only a browser can tell of names and lists: pasting into a box of one line, links that leave, filters."""

import re

import pytest
from playwright.sync_api import Page, expect

from .waiting import settle

pytestmark = pytest.mark.e2e

HEMOGLOBIN = """>sp|P69905|HBA_HUMAN Hemoglobin subunit alpha OS=Homo sapiens OX=9606 GN=HBA1 PE=1 SV=2
MVLSPADKTNVKAAWGKVGAHAGEYGAEALERMFLSFPTTKTYFPHFDLSHGSAQVKGHG
KKVADALTNAVAHVDDMPNALSALSDLHAHKLRVDPVNFKLLSHCLLVTLAAHLPAEFTP
AVHASLDKFLASVSTVLTSKYR
"""


def test_fasta_pasted_into_the_search_box_is_read_as_a_sequence(page: Page, server: str) -> None:
    page.goto(server)
    search = page.get_by_placeholder("zinc ion binding")
    search.click()
    page.evaluate("text => document.execCommand('insertText', false, text)", HEMOGLOBIN)
    search.press("Enter")

    page.get_by_role("button", name="Read it as a sequence").click()

    expect(page.locator(".ps-understood")).to_contain_text("142 residues")
    expect(page.get_by_text("Its organism, Homo sapiens, is not among")).to_be_visible()
    expect(page.locator(".psv-strips").first).to_be_visible()


def test_links_to_other_sites_open_a_tab_of_their_own_that_knows_nothing_of_this_one(page: Page, server: str) -> None:
    for path in ("?q=GO:0008270", "?q=alcohol+dehydrogenase", "feature", "compare", "sequence?accession=P06616"):
        page.goto(f"{server}/{path}")
        outward = page.locator("a.ps-out").first
        expect(outward).to_be_visible()
        expect(outward).to_have_attribute("href", re.compile("^https://"))
        expect(outward).to_have_attribute("target", "_blank")
        expect(outward).to_have_attribute("rel", re.compile("noopener"))


def test_filters_of_the_list_stand_in_the_address_and_come_back(page: Page, server: str) -> None:
    page.goto(f"{server}/sequence?accession=P06616")
    listed = page.get_by_text(re.compile(r"features of [\d,]+ in [\d,]+ rows?"))
    expect(listed).to_be_visible()
    settle(page)
    everything = listed.inner_text()

    page.get_by_role("radio", name="Strong", exact=True).or_(
        page.get_by_role("button", name="Strong", exact=True)
    ).click()
    expect(listed).not_to_have_text(everything)
    page.get_by_role("textbox", name="Label holds").fill("GTP")
    page.get_by_role("textbox", name="Label holds").press("Enter")
    expect(page).to_have_url(re.compile(r"evidence=strong"))
    expect(page).to_have_url(re.compile(r"label=GTP"))
    settle(page)
    found = listed.inner_text()
    page.reload()

    expect(listed).to_have_text(found)
    expect(page.get_by_role("textbox", name="Label holds")).to_have_value("GTP")
    assert page.get_by_test_id("stException").count() == 0
