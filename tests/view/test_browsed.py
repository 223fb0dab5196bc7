"""The pages in a real browser."""

from serving import Tab


def test_the_overview_leads_to_a_study(tab: Tab, keys: dict[str, str]) -> None:
    assert tab.page.url.endswith("/")
    assert "token" not in tab.page.url
    tab.page.locator(f"[id='{keys['interim']}'] h2 a").click()
    tab.page.wait_for_selector("#runs tbody tr")
    assert tab.page.locator("#runs tbody tr").count() == 12
    assert tab.page.locator(".status.stopped").count() == 1
    assert tab.page.locator("canvas").count() >= 1
    assert tab.violations() == []
