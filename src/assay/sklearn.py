"""An estimator for scikit-learn, `Classifier` (needs the extra ``assay[sklearn]``)."""

from assay.exchange.classifier import Classifier as Classifier
