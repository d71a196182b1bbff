"""The explorer's entry, `streamlit run explorer/app.py`: page configuration and navigation, nothing else.

`streamlit run explorer/app.py -- --bundle DIR --debug` opens another bundle and shows tracebacks of our own faults.
"""

from pathlib import Path

import streamlit as st

from explorer.shell import frame, tour
from explorer.shell.links import PAGES, path

if frame.debugging():
    st.set_option("client.showErrorDetails", "full")
st.set_page_config(
    page_title=frame.tab_name(),
    page_icon=Path(__file__).parent / "static" / "icon.png",
    layout="wide",
    initial_sidebar_state=275,
)
pages = [
    st.Page(script, title=name.capitalize(), url_path=path(name), default=name == "find")
    for name, script in PAGES.items()
]
frame.run(st.navigation(pages, position="top"), above=tour.bar, aside=tour.invite)
