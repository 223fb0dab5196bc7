"""What assay gives other tools and takes from them: a file per format, and a scikit-learn classifier."""
