"""Turn files into upright pictures: decode them, measure their quality and enhance them."""
