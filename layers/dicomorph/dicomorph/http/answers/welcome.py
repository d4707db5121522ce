"""The page at ``/``, for those who open the address in a browser."""

from __future__ import annotations

from dicomorph import __version__

WELCOME = f"""\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Dicomorph</title>
<h1>Dicomorph {__version__}</h1>
<p>This server anonymizes and modifies DICOM images. It has no pages to work with: programs and
command lines use it, through Orthanc's REST API.</p>
<pre>
curl ADDRESS/instances --data-binary @image.dcm
curl ADDRESS/instances/ID/anonymize -d '{{}}' -o anonymized.dcm
curl ADDRESS/studies/ID/anonymize -d '{{}}'
</pre>
<ul>
<li><a href="system">system</a>: version and settings</li>
<li><a href="statistics">statistics</a>: how much is stored</li>
<li><a href="patients?expand">patients</a>, <a href="studies?expand">studies</a>,
<a href="series?expand">series</a>, <a href="jobs?expand">jobs</a></li>
</ul>
<p>The documents came with the program: <code>README.md</code>, then <code>docs/examples.md</code>
and <code>docs/openapi.json</code>.</p>
</html>
"""
