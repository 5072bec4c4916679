"""The HTTP service: who may ask, what is asked, what is answered."""
