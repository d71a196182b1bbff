"""The Streamlit app over one bundle: `streamlit run explorer/app.py`."""
