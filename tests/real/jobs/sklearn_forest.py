"""A forest, a grid search with processes, a scaler."""

import numpy as np
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def main():
    x, y = make_classification(2000, 20, random_state=1)
    wide = np.tile(x, (100, 1))  # holds 30.5 MiB
    scaled = StandardScaler().fit_transform(wide)  # holds 30.5 MiB within 10%
    forest = RandomForestClassifier(20, n_jobs=2, random_state=1).fit(x, y)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression()),
        {"logisticregression__C": [0.1, 1.0]}, n_jobs=2, cv=3,
    ).fit(x, y)  # fmt: skip
    print(forest.predict(x).sum(), search.best_params_, round(float(scaled.std()), 6))


if __name__ == "__main__":
    main()
