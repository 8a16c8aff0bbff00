"""Makes one HTML page of a tidy frame: the verdict first, then everything that it rests on.

The page is one file that asks nothing of any network: Vega draws the charts, from specifications that Altair wrote, and
stands in the page once.  It is drawn where it is looked at, because size and colours of a reader's window are not known
here: charts are drawn when they are scrolled into view, and again when the reader turns to the dark or the light.

Result files come from anywhere, so no text of theirs ever becomes markup or code.  Jinja2 escapes what stands in the
page; everything else travels as JSON and is shown by ``textContent``; specifications hold data under names of our own,
because Vega's expressions would take dots and brackets in a name for a path; and the page's content security policy
names the only scripts that may run by their hashes.
"""

from reports.page.document import page

__all__ = ["page"]
