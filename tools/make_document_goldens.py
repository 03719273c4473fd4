#!/usr/bin/env python3
"""Makes tests/golden/documents: small documents of the formats that people have, in Korean and English, by LibreOffice
(soffice; Debian's libreoffice-writer, -calc, -impress and fonts-noto-cjk), with Python's own library (mail, HWPX), and
with Pillow (the picture). The HWP and HWPX files that are not listed here are samples of hwplib and hwpxlib; see the
folder's README.
  tools/make_document_goldens.py [FOLDER]"""
import email.message
import email.utils
import pathlib
import subprocess
import sys
import tempfile
import zipfile

NAMESPACES = " ".join(f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for prefix, name in [
    ("office", "office"), ("style", "style"), ("text", "text"), ("table", "table"), ("draw", "drawing"),
    ("presentation", "presentation"), ("svg", "svg-compatible"), ("fo", "xsl-fo-compatible"), ("meta", "meta")])
NAMESPACES += ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
FONT = 'style:font-name="Noto Sans CJK KR" style:font-name-asian="Noto Sans CJK KR" style:font-size-asian="%s" fo:font-size="%s"'
FACE = ('<office:font-face-decls><style:font-face style:name="Noto Sans CJK KR" svg:font-family="\'Noto Sans CJK KR\'"/>'
        '</office:font-face-decls>')

ROWS = [("제품", "가격", "보증 기간"), ("온돌 전기매트", "129000", "2년"), ("Floor heater", "89000", "18 months"),
        ("물주머니", "9900", "없음")]


def table_xml(rows, kind="string"):
    cells = lambda row: "".join(
        f'<table:table-cell office:value-type="float" office:value="{c}"><text:p>{c}</text:p></table:table-cell>'
        if kind == "typed" and c.isdigit() else
        f'<table:table-cell office:value-type="string"><text:p>{c}</text:p></table:table-cell>' for c in row)
    return (f'<table:table table:name="Products"><table:table-column table:number-columns-repeated="{len(rows[0])}"/>' +
            "".join(f"<table:table-row>{cells(row)}</table:table-row>" for row in rows) + "</table:table>")


TEXT = f"""<?xml version="1.0" encoding="UTF-8"?>
<office:document {NAMESPACES} office:version="1.2" office:mimetype="application/vnd.oasis.opendocument.text">
<office:meta><dc:title>온돌 사용 설명서</dc:title></office:meta>{FACE}
<office:styles>
<style:style style:name="Standard" style:family="paragraph"><style:text-properties {FONT % ("10pt", "10pt")}/></style:style>
<style:style style:name="Heading_20_1" style:display-name="Heading 1" style:family="paragraph" style:parent-style-name="Standard" style:default-outline-level="1"><style:text-properties {FONT % ("18pt", "18pt")}/></style:style>
<style:style style:name="Heading_20_2" style:display-name="Heading 2" style:family="paragraph" style:parent-style-name="Standard" style:default-outline-level="2"><style:text-properties {FONT % ("14pt", "14pt")}/></style:style>
</office:styles>
<office:automatic-styles>
<style:style style:name="Break" style:family="paragraph" style:parent-style-name="Heading_20_1"><style:paragraph-properties fo:break-before="page"/></style:style>
</office:automatic-styles>
<office:body><office:text>
<text:h text:style-name="Heading_20_1" text:outline-level="1">설치와 시작</text:h>
<text:p text:style-name="Standard">온돌은 방바닥 아래의 열기로 방 전체를 데웁니다. 처음 켤 때에는 삼십 분쯤 기다리세요.</text:p>
<text:p text:style-name="Standard">The floor must be level<text:note text:note-class="footnote" text:id="ftn1"><text:note-citation>1</text:note-citation><text:note-body><text:p text:style-name="Standard">A spirit level comes with the box.</text:p></text:note-body></text:note> and dry.<text:line-break/>Second line of the same paragraph.</text:p>
<text:h text:style-name="Heading_20_2" text:outline-level="2">제품과 보증</text:h>
{table_xml(ROWS)}
<text:p text:style-name="Standard">보증은 산 날부터 셉니다.</text:p>
<text:h text:style-name="Break" text:outline-level="1">Care and cleaning</text:h>
<text:list><text:list-item><text:p text:style-name="Standard">Wipe it with a damp cloth.</text:p></text:list-item><text:list-item><text:p text:style-name="Standard">세제를 쓰지 마세요.</text:p></text:list-item></text:list>
</office:text></office:body></office:document>
"""

SHEETS = f"""<?xml version="1.0" encoding="UTF-8"?>
<office:document {NAMESPACES} xmlns:number="urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0" office:version="1.2" office:mimetype="application/vnd.oasis.opendocument.spreadsheet">
<office:automatic-styles><number:date-style style:name="D"><number:year number:style="long"/><number:text>-</number:text><number:month number:style="long"/><number:text>-</number:text><number:day number:style="long"/></number:date-style><style:style style:name="date" style:family="table-cell" style:data-style-name="D"/></office:automatic-styles>
<office:body><office:spreadsheet>
{table_xml(ROWS, "typed").replace('"Products"', '"제품"')}
<table:table table:name="Sales"><table:table-row><table:table-cell office:value-type="string"><text:p>Day</text:p></table:table-cell><table:table-cell office:value-type="string"><text:p>Sum</text:p></table:table-cell></table:table-row><table:table-row><table:table-cell table:style-name="date" office:value-type="date" office:date-value="2026-03-01"><text:p>2026-03-01</text:p></table:table-cell><table:table-cell office:value-type="float" office:value="12.5"><text:p>12.5</text:p></table:table-cell></table:table-row></table:table>
</office:spreadsheet></office:body></office:document>
"""


def slide(title, body):
    frame = lambda kind, y, text: (f'<draw:frame presentation:class="{kind}" svg:x="1cm" svg:y="{y}cm" svg:width="20cm" '
                                   f'svg:height="3cm"><draw:text-box>{text}</draw:text-box></draw:frame>')
    return (f'<draw:page draw:name="{title}" draw:master-page-name="Default">' + frame("title", 1, f"<text:p>{title}</text:p>") +
            frame("outline", 5, "".join(f"<text:p>{line}</text:p>" for line in body)) + "</draw:page>")


SLIDES = f"""<?xml version="1.0" encoding="UTF-8"?>
<office:document {NAMESPACES} office:version="1.2" office:mimetype="application/vnd.oasis.opendocument.presentation">
<office:automatic-styles><style:page-layout style:name="L"><style:page-layout-properties fo:page-width="28cm" fo:page-height="21cm"/></style:page-layout></office:automatic-styles>
<office:master-styles><style:master-page style:name="Default" style:page-layout-name="L"/></office:master-styles>
<office:body><office:presentation>
{slide("온돌의 역사", ["구들은 고구려에서 쓰였습니다.", "Hypocausts warmed Roman baths."])}
{slide("How it works", ["연기가 바닥 밑을 지납니다.", "Stones keep the heat overnight."])}
</office:presentation></office:body></office:document>
"""


def convert(folder, name, source, wishes):
    """wishes: (ending of the golden, soffice's filter)"""
    with tempfile.TemporaryDirectory() as work:
        path = pathlib.Path(work) / name
        path.write_text(source)
        for ending, wish in wishes:
            subprocess.run(["soffice", f"-env:UserInstallation=file://{work}/profile", "--headless", "--convert-to", wish,
                            "--outdir", work, str(path)], check=True, capture_output=True)
            (folder / f"{path.stem}.{ending}").write_bytes((pathlib.Path(work) / f"{path.stem}.{ending}").read_bytes())


def make_mail(folder):
    mail = email.message.EmailMessage()
    mail["Subject"] = "보증 기간 문의: 전기매트"
    mail["From"] = email.utils.formataddr(("김온돌", "kim@example.org"))
    mail["To"] = "service@example.org"
    mail["Date"] = "Mon, 02 Mar 2026 09:30:00 +0900"
    mail.set_content("안녕하세요.\n전기매트의 보증은 언제 끝나나요?\n", charset="euc-kr", cte="base64")
    mail.add_alternative("<html><body><p>안녕하세요 (HTML)</p></body></html>", subtype="html", cte="quoted-printable")
    mail.add_attachment("품번,수량\nA-17,3\nB-20,5\n".encode("cp949"), maintype="text", subtype="csv", filename="주문 목록.csv")
    (folder / "question.eml").write_bytes(bytes(mail))
    other = email.message.EmailMessage()
    other["Subject"] = "Re: café"
    other["From"] = "Zoë <zoe@example.org>"
    other.set_content("See you at the café — at noon.\n\n>From the station it is near.\n", cte="quoted-printable")
    box = b"".join(b"From someone Mon Mar  2 09:30:00 2026\n" + bytes(m) + b"\n" for m in (mail, other))
    (folder / "two.mbox").write_bytes(box)


PAGE = """<!doctype html><html><head><meta charset="euc-kr"><title>온돌 안내</title><style>p{color:red}</style></head>
<body><h1>온돌 안내</h1><p>따뜻한 <b>바닥</b>이 좋습니다.<br>둘째 줄</p><script>var hidden = 1;</script>
<h2>Prices &amp; terms</h2><table><tr><th>이름</th><th>값</th></tr><tr><td>매트</td><td>129&nbsp;000</td></tr></table>
<ul><li>첫째<li>둘째</ul><pre>on  = 1
off = 0</pre></body></html>"""


def make_hwpx(folder):
    """The smallest document of the public OWPML standard (KS X 6101) with a heading, a paragraph and a table."""
    hp, hs, hh = ("http://www.hancom.co.kr/hwpml/2011/" + name for name in ("paragraph", "section", "head"))
    head = (f'<hh:head xmlns:hh="{hh}" version="1.4" secCnt="1"><hh:refList><hh:paraProperties itemCnt="2">'
            '<hh:paraPr id="0"><hh:heading type="NONE" idRef="0" level="0"/></hh:paraPr>'
            '<hh:paraPr id="1"><hh:heading type="OUTLINE" idRef="0" level="0"/></hh:paraPr></hh:paraProperties>'
            "</hh:refList></hh:head>")
    para = lambda text, shape=0: f'<hp:p id="0" paraPrIDRef="{shape}" styleIDRef="0"><hp:run charPrIDRef="0">{text}</hp:run></hp:p>'
    cell = lambda text: f'<hp:tc><hp:subList>{para(f"<hp:t>{text}</hp:t>")}</hp:subList></hp:tc>'
    rows = "".join(f'<hp:tr>{"".join(cell(c) for c in row)}</hp:tr>' for row in ROWS)
    section = (f'<hs:sec xmlns:hs="{hs}" xmlns:hp="{hp}">' + para("<hp:t>설치와 시작</hp:t>", 1) +
               para("<hp:t>온돌은 방바닥을<hp:lineBreak/>데웁니다.</hp:t>") +
               para(f"<hp:tbl>{rows}</hp:tbl><hp:t>표 다음의 글</hp:t>") + "</hs:sec>")
    package = ('<opf:package xmlns:opf="http://www.idpf.org/2007/opf/"><opf:metadata><opf:title>온돌 사용 설명서</opf:title>'
               '</opf:metadata><opf:manifest><opf:item id="section0" href="Contents/section0.xml" media-type="application/xml"/>'
               '</opf:manifest><opf:spine><opf:itemref idref="section0"/></opf:spine></opf:package>')
    with zipfile.ZipFile(folder / "minimal.hwpx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/hwp+zip", zipfile.ZIP_STORED)
        for name, text in (("Contents/header.xml", head), ("Contents/section0.xml", section), ("Contents/content.hpf", package)):
            archive.writestr(name, '<?xml version="1.0" encoding="UTF-8"?>' + text)


RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def zip_of(path, entries, first=None):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        if first:
            archive.writestr(*first, zipfile.ZIP_STORED)
        for name, text in entries.items():
            archive.writestr(name, text)


def make_talk(folder):
    """Slides that are shown in another order than their files' names, with titles, a table and a speaker's notes."""
    p = (f'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" xmlns:r="{RELATIONS}" '
         'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"')
    shape = lambda kind, *lines: (f'<p:sp><p:nvSpPr><p:nvPr><p:ph type="{kind}"/></p:nvPr></p:nvSpPr><p:txBody>' + "".join(
        f"<a:p><a:r><a:t>{line}</a:t></a:r></a:p>" for line in lines) + "</p:txBody></p:sp>")
    cell = lambda text: f"<a:tc><a:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></a:txBody></a:tc>"
    table = "<p:graphicFrame><a:graphic><a:graphicData><a:tbl>" + "".join(
        "<a:tr>" + "".join(map(cell, row)) + "</a:tr>" for row in ROWS) + "</a:tbl></a:graphicData></a:graphic></p:graphicFrame>"
    page = lambda body: f"<p:sld {p}><p:cSld><p:spTree>{body}</p:spTree></p:cSld></p:sld>"
    relations = lambda **targets: "<Relationships>" + "".join(
        f'<Relationship Id="{key}" Target="{target}"/>' for key, target in targets.items()) + "</Relationships>"
    zip_of(folder / "talk.pptx", {
        "ppt/presentation.xml": f'<p:presentation {p}><p:sldIdLst><p:sldId id="256" r:id="r2"/><p:sldId id="257" r:id="r1"/></p:sldIdLst></p:presentation>',
        "ppt/_rels/presentation.xml.rels": relations(r1="slides/slide1.xml", r2="slides/slide2.xml"),
        "ppt/slides/slide1.xml": page(table + shape("title", "제품") + shape("sldNum", "2")),
        "ppt/slides/slide2.xml": page(shape("body", "First point", "둘째 요점") + shape("ctrTitle", "온돌의 역사")),
        "ppt/slides/_rels/slide2.xml.rels": relations(n="../notesSlides/notesSlide1.xml"),
        "ppt/notesSlides/notesSlide1.xml": f'<p:notes {p}><p:cSld><p:spTree>{shape("body", "Remember the stones.")}</p:spTree></p:cSld></p:notes>',
    })


def make_book(folder):
    page = lambda body: f'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title></head><body>{body}</body></html>'
    zip_of(folder / "book.epub", {
        "META-INF/container.xml": '<container><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>',
        "OEBPS/book.opf": '<package><metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>구들 이야기</dc:title></metadata>'
                          '<manifest><item id="b" href="text/second%20page.xhtml"/><item id="a" href="text/first.xhtml"/></manifest>'
                          '<spine><itemref idref="a"/><itemref idref="b"/></spine></package>',
        "OEBPS/text/second page.xhtml": page("<h1>둘째 장</h1><p>The stones are warm.</p>"),
        "OEBPS/text/first.xhtml": page("<h1>첫 장</h1><p>아궁이에 불을 땝니다.</p>"),
    }, ("mimetype", "application/epub+zip"))


def make_pictures(folder):
    from PIL import Image, ImageDraw, ImageFont  # only here, so that the rest works without it
    font = ImageFont.truetype("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", 36, index=1)
    image = Image.new("1", (760, 150), 1)
    draw = ImageDraw.Draw(image)
    draw.text((20, 15), "The warranty lasts two years.", font=font, fill=0)
    draw.text((20, 80), "보증 기간은 이 년입니다.", font=font, fill=0)
    image.save(folder / "scan.png", optimize=True, dpi=(200, 200))
    page = Image.new("1", (1240, 620), 1)
    page.paste(image, (200, 100))
    page.save(folder / "scanned.pdf", resolution=150)


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "tests/golden/documents")
    convert(folder, "manual.fodt", TEXT, [("docx", "docx"), ("odt", "odt"), ("pdf", "pdf")])
    convert(folder, "products.fods", SHEETS, [("xlsx", "xlsx"), ("ods", "ods")])
    convert(folder, "history.fodp", SLIDES, [("pptx", "pptx"), ("odp", "odp")])
    make_mail(folder)
    (folder / "guide.html").write_bytes(PAGE.encode("cp949"))
    (folder / "orders.csv").write_bytes('이름;메모\r\n"김;온돌";"그는 ""예""라고\r\n말했다"\r\n'.encode("cp949"))
    make_hwpx(folder)
    make_talk(folder)
    make_book(folder)
    make_pictures(folder)


if __name__ == "__main__":
    main()
